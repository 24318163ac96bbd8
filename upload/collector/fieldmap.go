package collector

import (
	"context"
	"encoding/json"
	"net/http"

	"roagent/fieldmap"
	"roagent/upload"
)

// putFieldmap takes the declaration that a whitelist is approved at the dealer: 201 where it is new, 200 where it is held
// already. The body is the whitelist's canonical form, so it proves that it is the one that the path names. Who approved
// it is not told: a person's name is none of the collector's business.
func (h *Handler) putFieldmap(r *http.Request, t target) (answer, error) {
	form, err := h.readJSON(r, upload.MaxFieldmap)
	if err != nil {
		return answer{}, err
	}
	if digestOf(form) != t.fieldmap {
		return answer{}, refuse(http.StatusBadRequest, "the digest in the path is not the SHA-256 of the body")
	}
	if _, err := fieldmap.ParseCanonical(form); err != nil { // the error may repeat the body
		return answer{}, refuse(http.StatusBadRequest, "the body is not a whitelist in its canonical form, as this collector knows it; is the collector older than the agent?")
	}
	status, err := h.keepFieldmap(r.Context(), t, form)
	if err != nil {
		return answer{}, err
	}
	h.Logger.InfoContext(r.Context(), "whitelist declared", "dealer", t.dealer, "fieldmap_digest", t.fieldmap, "new", status == http.StatusCreated)
	body, err := json.Marshal(upload.Declared{DealerID: t.dealer, FieldmapDigest: t.fieldmap})
	return answer{status, "application/json", body}, err
}

// keepFieldmap makes a whitelist durable and returns the status that says whether it is new. One that has decayed is replaced.
func (h *Handler) keepFieldmap(ctx context.Context, t target, form []byte) (status int, err error) {
	name := fieldmapFile(t.dealer, t.fieldmap)
	err = h.store.Put(ctx, name, form, Create)
	if !exists(err) {
		return http.StatusCreated, err
	}
	held, err := h.store.Get(ctx, name)
	if err != nil {
		return 0, err
	}
	if digestOf(held) == t.fieldmap {
		return http.StatusOK, nil
	}
	h.Logger.WarnContext(ctx, "stored whitelist was damaged; stored again", "name", name)
	return http.StatusOK, h.store.Put(ctx, name, form, Replace)
}

// checkDeclared refuses what was read under a whitelist that the dealer's agent has not declared approved. It is asked once
// the body is here: a connection that closes on an agent in the middle of its body may lose the answer, and this is one
// that the agent must hear.
func (h *Handler) checkDeclared(ctx context.Context, dealer, digest string) error {
	held, err := h.store.Get(ctx, fieldmapFile(dealer, digest))
	switch {
	case err == nil && digestOf(held) == digest:
		return nil
	case err == nil:
		h.Logger.WarnContext(ctx, "stored whitelist is damaged; it counts as not declared", "name", fieldmapFile(dealer, digest))
	case !missing(err):
		return err
	}
	e := refuse(http.StatusPreconditionFailed, "the whitelist that %s names is not declared approved; nothing was stored", upload.FieldmapHeader)
	e.Type, e.Title = upload.UndeclaredType, "the whitelist is not declared"
	return e
}
