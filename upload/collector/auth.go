package collector

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
)

// authorize returns the dealer its path names, if the request may act for it. A token decides; a client certificate does
// where there is no token.
func (h *Handler) authorize(r *http.Request, dealer string) (*dealerRecord, error) {
	record, err := h.identify(r, dealer)
	if err != nil {
		return nil, err
	}
	if record.DealerID != dealer {
		return nil, refuse(http.StatusForbidden, "these credentials are another dealer's")
	}
	return record, nil
}

// identify returns the dealer whose credentials the request carries.
func (h *Handler) identify(r *http.Request, dealer string) (*dealerRecord, error) {
	authorization := r.Header.Values("Authorization")
	if len(authorization) > 0 {
		return h.byToken(r, authorization)
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		return h.byCertificate(r, dealer)
	}
	return nil, unauthorized("the request carries neither a token nor a client certificate")
}

func (h *Handler) byToken(r *http.Request, authorization []string) (*dealerRecord, error) {
	scheme, token, _ := strings.Cut(authorization[0], " ")
	if len(authorization) != 1 || !strings.EqualFold(scheme, "Bearer") {
		return nil, unauthorized("Authorization must be: Bearer TOKEN")
	}
	const wrong = "the token is not valid; was it copied whole, and was the dealer added to this collector?"
	id, _, _ := strings.Cut(token, ".")
	if checkDealer(id) != nil {
		return nil, unauthorized(wrong)
	}
	record, err := readDealer(r.Context(), h.store, id)
	if err != nil {
		return nil, err
	}
	if record == nil || !record.has(token) {
		return nil, unauthorized(wrong)
	}
	return record, nil
}

// has reports whether a token is one of the dealer's.
func (d *dealerRecord) has(token string) bool {
	sum := sha256.Sum256([]byte(token))
	got, found := hex.EncodeToString(sum[:]), 0
	for _, t := range d.Tokens {
		found |= subtle.ConstantTimeCompare([]byte(got), []byte(t.SHA256))
	}
	return found == 1
}

// byCertificate takes a verified certificate whose common name or one of whose DNS names is a dealer's id. One that
// names several dealers acts for each.
func (h *Handler) byCertificate(r *http.Request, dealer string) (*dealerRecord, error) {
	leaf := r.TLS.VerifiedChains[0][0]
	if leaf.Subject.CommonName != dealer && !slices.Contains(leaf.DNSNames, dealer) {
		return nil, refuse(http.StatusForbidden, "the client certificate does not name this dealer")
	}
	record, err := readDealer(r.Context(), h.store, dealer)
	if err != nil {
		return nil, err
	}
	if record == nil {
		return nil, refuse(http.StatusForbidden, "this dealer was not added to this collector")
	}
	if print := fingerprint(leaf); slices.ContainsFunc(record.Revoked, func(r revokedLeaf) bool { return r.SHA256 == print }) {
		return nil, refuse(http.StatusForbidden, "this client certificate was revoked; ask whoever runs the collector for another")
	}
	return record, nil
}

func unauthorized(detail string) error {
	return refuse(http.StatusUnauthorized, "%s", detail).with("WWW-Authenticate", `Bearer realm="collector"`)
}
