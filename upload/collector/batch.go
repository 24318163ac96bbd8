package collector

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/klauspost/compress/zstd"

	"roagent/upload"
)

// putBatch takes a batch: 201 where it is new, 200 where it is held already, both with the same receipt. Nothing is
// stored of a batch of which anything is wrong.
func (h *Handler) putBatch(r *http.Request, t target) (answer, error) {
	whitelist, err := fieldmapDigest(r)
	if err != nil {
		return answer{}, err
	}
	p, err := h.readPayload(r, upload.BatchType, upload.MaxBody)
	if err != nil {
		return answer{}, err
	}
	if err := h.checkDeclared(r.Context(), t.dealer, whitelist); err != nil {
		return answer{}, err
	}
	packed, orders, err := h.checkBatch(p, t)
	if err != nil {
		return answer{}, err
	}
	status, err := h.keepBatch(r.Context(), t, packed)
	if err != nil {
		return answer{}, err
	}
	receipt, err := h.receipt(r.Context(), receiptFile(t.dealer, t.week, t.batch), upload.Receipt{
		Dealer: t.dealer, Week: t.week, What: upload.BatchReceipt, ID: t.batch, Orders: orders,
	})
	if err != nil {
		return answer{}, err
	}
	h.Logger.InfoContext(r.Context(), "batch held", "dealer", t.dealer, "week", t.week, "batch", t.batch,
		"orders", orders, "bytes", len(p.sent), "new", status == http.StatusCreated, "fieldmap_digest", whitelist)
	if h.Meter != nil {
		h.Meter.Batch(orders, status == http.StatusCreated)
	}
	return answer{status, upload.ReceiptType, receipt}, nil
}

// checkBatch reads a batch once from end to end, and returns it compressed as it is to be stored, and its orders.
func (h *Handler) checkBatch(p payload, t target) (packed []byte, orders int, err error) {
	if p.coding == "" {
		return nil, 0, h.badCoding()
	}
	content, done, err := h.decode(p)
	if err != nil {
		return nil, 0, err
	}
	defer done()
	packed = p.sent
	var again *zstdWriter
	if p.coding != "zstd" {
		if again, err = newZstdWriter(); err != nil {
			return nil, 0, err
		}
		content = io.TeeReader(content, again)
	}
	if orders, err = checkLines(content, t); err != nil {
		return nil, 0, err
	}
	if again != nil {
		packed, err = again.finish()
	}
	return packed, orders, err
}

// checkLines holds the decompressed batch against its id and every line against the wire.
func checkLines(content io.Reader, t target) (orders int, err error) {
	sum := sha256.New()
	lines := newLineReader(io.TeeReader(&limitReader{content, upload.MaxBatch}, sum))
	check := newBatchCheck(t)
	for {
		l, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, contentError(err, upload.MaxBatch)
		}
		check.add(l)
	}
	switch {
	case hex.EncodeToString(sum.Sum(nil)) != t.batch:
		return 0, refuse(http.StatusBadRequest, "the id in the path is not the SHA-256 of the batch's lines")
	case check.orders == 0:
		return 0, refuse(http.StatusBadRequest, "the batch has no lines")
	case len(check.refused) > 0:
		e := refuse(http.StatusUnprocessableEntity, "nothing of the batch was stored; send it without the lines named here, which are the first %d refused at most", maxRefused)
		e.Lines = check.refused
		return 0, e
	}
	return check.orders, nil
}

// keepBatch makes the batch durable and returns the status that says whether it is new. One that was stored before and
// has decayed since is replaced by the good bytes that have just come.
func (h *Handler) keepBatch(ctx context.Context, t target, packed []byte) (status int, err error) {
	name := batchFile(t.dealer, t.week, t.batch)
	err = h.store.Put(ctx, name, packed, Create)
	if !exists(err) {
		return http.StatusCreated, err
	}
	held, err := h.store.Get(ctx, name)
	if err != nil {
		return 0, err
	}
	if h.verify(held, t.batch) == nil {
		return http.StatusOK, nil
	}
	h.Logger.WarnContext(ctx, "stored batch was damaged; stored again", "name", name)
	return http.StatusOK, h.store.Put(ctx, name, packed, Replace)
}

// verify reports whether packed is the batch of that id.
func (h *Handler) verify(packed []byte, id string) error {
	content, done, err := h.zstdReader(packed)
	if err != nil {
		return err
	}
	defer done()
	sum := sha256.New()
	if _, err := io.Copy(sum, &limitReader{content, upload.MaxBatch}); err != nil {
		return fmt.Errorf("decompress: %w", err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != id {
		return errors.New("its bytes are not those its name says")
	}
	return nil
}

// zstdWriter compresses what came as gzip, for the store.
type zstdWriter struct {
	buf bytes.Buffer
	*zstd.Encoder
}

func newZstdWriter() (*zstdWriter, error) {
	w := &zstdWriter{}
	var err error
	w.Encoder, err = zstd.NewWriter(&w.buf, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(512<<10),
		zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	return w, err
}

func (w *zstdWriter) finish() ([]byte, error) {
	err := w.Close()
	return w.buf.Bytes(), err
}
