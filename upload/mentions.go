package upload

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// mention is what the queue keeps of a line for good, so that the dealer can ask what was ever sent about a car or a
// customer: which order it is, and the tags of what the order is about. It holds nothing of the order itself.
type mention struct {
	key      string
	revision int
	voided   bool
	tags     fieldmap.Tags
}

// The flags of a mention: which tags follow it, by [fieldmap.Subject], and whether the line voids its order.
const (
	mentionTags   = 1<<fieldmap.Subjects - 1
	mentionVoided = 1 << 7
)

// appendMention encodes m: flags, the tags that it has, revision, length of the key, key. A line that says nothing
// about anyone is left out. A line that voids an order has no tags: it is about whatever the order was about.
func appendMention(dst []byte, m mention) []byte {
	var flags byte
	for s, tag := range m.tags {
		if tag != (fieldmap.Tag{}) {
			flags |= 1 << s
		}
	}
	if m.voided {
		flags |= mentionVoided
	}
	if flags == 0 {
		return dst
	}
	dst = append(dst, flags)
	for _, tag := range m.tags {
		if tag != (fieldmap.Tag{}) {
			dst = append(dst, tag[:]...)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(m.revision))
	dst = binary.AppendUvarint(dst, uint64(len(m.key)))
	return append(dst, m.key...)
}

var errMentions = errors.New("what a batch is about is damaged")

// eachMention decodes what appendMention wrote.
func eachMention(b []byte, fn func(mention)) error {
	for len(b) > 0 {
		flags := b[0]
		m := mention{voided: flags&mentionVoided != 0}
		if b = b[1:]; flags == 0 || flags&^(mentionTags|mentionVoided) != 0 {
			return errMentions
		}
		for s := range m.tags {
			if flags&(1<<s) == 0 {
				continue
			}
			if len(b) < len(m.tags[s]) {
				return errMentions
			}
			b = b[copy(m.tags[s][:], b):]
		}
		revision, n := binary.Uvarint(b)
		if n <= 0 || revision > 1<<31-1 {
			return errMentions
		}
		b = b[n:]
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) {
			return errMentions
		}
		m.revision, m.key = int(revision), string(b[n:n+int(length)])
		b = b[n+int(length):]
		fn(m)
	}
	return nil
}

func mentionsBound(dealer string, at place) []byte {
	return append([]byte("roagent mentions 1\x00"+dealer+"\x00"), at...)
}

// putMentions keeps what the lines of a batch are about, with the batch's id. It stays when the payload is purged.
// They are sealed like a payload, and bound to their place: keyed hashes alone would still tell which orders are one
// customer's.
func (q *Queue) putMentions(tx *bbolt.Tx, at place, id string, mentions []byte) error {
	plain, err := hex.AppendDecode(make([]byte, 0, len(id)/2+len(mentions)), []byte(id))
	if err != nil {
		return fmt.Errorf("keep what batch %.12s is about: %w", id, err)
	}
	return putPayload(tx, bucketMentions, at, q.sealer.seal(nil, append(plain, mentions...), mentionsBound(q.dealer, at)))
}

// mentions returns what the batch at a place is about, and its id; ok is false where that is not
// known: of one that was taken over from the collector, or rebuilt.
func (q *Queue) mentions(tx *bbolt.Tx, at place) (id string, mentions []byte, ok bool, err error) {
	sealed := payload(tx, bucketMentions, at)
	if sealed == nil {
		return "", nil, false, nil
	}
	plain, err := q.sealer.open(sealed, mentionsBound(q.dealer, at))
	if err != nil || len(plain) < len(digest{}) {
		return "", nil, false, damaged(err, "open what the batch at %x is about", []byte(at))
	}
	return hex.EncodeToString(plain[:len(digest{})]), plain[len(digest{}):], true, nil
}

// tagsOf returns what the orders of a batch are about, by key; nil where that is not known.
func (q *Queue) tagsOf(tx *bbolt.Tx, at place) (orderTags, error) {
	_, text, ok, err := q.mentions(tx, at)
	if err != nil || !ok {
		return nil, err
	}
	return readTags(text)
}

// orderTags is what orders are about, by key. nil: it is not known.
type orderTags map[string]fieldmap.Tags

func readTags(mentions []byte) (orderTags, error) {
	tags := orderTags{}
	if err := eachMention(mentions, func(m mention) { tags[m.key] = m.tags }); err != nil {
		return nil, damaged(err, "read what a batch is about")
	}
	return tags, nil
}

// mentionsOf returns what lines are about that come from an earlier batch, or from what is parked; nil where that is
// not known.
func (tags orderTags) mentionsOf(lines [][]byte) ([]byte, error) {
	if tags == nil {
		return nil, nil
	}
	mentions := []byte{}
	for _, text := range lines {
		line, err := parseLine(text)
		if err != nil {
			return nil, err
		}
		mentions = appendMention(mentions, mention{key: line.Key, revision: line.Revision, voided: line.Voided, tags: tags[line.Key]})
	}
	return mentions, nil
}
