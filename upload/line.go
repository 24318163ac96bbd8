package upload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"roagent/fieldmap"
)

// appendLine appends a line of a batch to dst. order is the repair_order's bytes, nil for a voided line. It writes a
// [Line] member by member: a pull makes too many for encoding/json.
func appendLine(dst []byte, dealer, week, key string, revision int, replaces *digest, order []byte) []byte {
	dst, _ = fieldmap.AppendJSON(append(dst, `{"dealer_id":`...), dealer)
	dst, _ = fieldmap.AppendJSON(append(dst, `,"week":`...), week)
	dst, _ = fieldmap.AppendJSON(append(dst, `,"key":`...), key)
	dst = strconv.AppendInt(append(dst, `,"revision":`...), int64(revision), 10)
	if replaces != nil {
		dst = hex.AppendEncode(append(dst, `,"replaces":"`...), replaces[:])
		dst = append(dst, '"')
	}
	if order == nil {
		dst = append(dst, `,"voided":true`...)
	} else {
		dst = append(append(dst, `,"repair_order":`...), order...)
	}
	return append(dst, '}', '\n')
}

// parseLine reads a line of a batch that this queue made.
func parseLine(b []byte) (Line, error) {
	var l Line
	if err := json.Unmarshal(b, &l); err != nil {
		return l, damaged(err, "a queued line is damaged")
	}
	if l.Revision < 1 || l.Voided == (l.RepairOrder != nil) {
		return l, damaged(nil, "a queued line is damaged: revision %d, voided %v", l.Revision, l.Voided)
	}
	return l, nil
}

// replaced returns the digest of what the line replaces; nil for an order's first.
func (l *Line) replaced() (*digest, error) {
	if l.Replaces == "" {
		return nil, nil
	}
	d := new(digest)
	if len(l.Replaces) != hex.EncodedLen(len(d)) {
		return nil, damaged(nil, "a queued line is damaged: replaces has %d characters", len(l.Replaces))
	}
	if _, err := hex.Decode(d[:], []byte(l.Replaces)); err != nil {
		return nil, damaged(err, "a queued line is damaged")
	}
	return d, nil
}

// content returns the digest of the line's repair_order.
func (l *Line) content() digest { return sha256.Sum256(l.RepairOrder) }
