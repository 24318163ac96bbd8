package collector

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"roagent/fieldmap"
	"roagent/upload"
)

// maxRefused is how many refused lines one answer names.
const maxRefused = 1000

// lineReader splits a batch into its lines, one at a time, in a buffer that it uses again.
type lineReader struct {
	r   *bufio.Reader
	buf []byte
}

func newLineReader(r io.Reader) *lineReader { return &lineReader{r: bufio.NewReaderSize(r, 64<<10)} }

// next returns the next line without its line break, valid until the next call, or io.EOF after the last. Of a line
// of more than upload.MaxLine bytes it returns the first upload.MaxLine+1.
func (l *lineReader) next() ([]byte, error) {
	l.buf = l.buf[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		full := errors.Is(err, bufio.ErrBufferFull)
		if !full && len(l.buf) == 0 && err == nil {
			return part[:len(part)-1], nil // within the reader's own buffer: nothing to copy
		}
		l.buf = append(l.buf, part[:min(len(part), upload.MaxLine+1-len(l.buf))]...)
		switch {
		case full:
			continue
		case err == nil:
			return bytes.TrimSuffix(l.buf, []byte{'\n'}), nil
		case errors.Is(err, io.EOF) && len(l.buf) > 0:
			return l.buf, nil // the last line need not end in a break
		default:
			return nil, err
		}
	}
}

// batchCheck checks the lines of one batch, and finds all that is wrong at once.
type batchCheck struct {
	dealer  string
	week    fieldmap.Week
	orders  int
	keys    map[string]int // the line in which a key came first
	refused []upload.LineProblem
}

func newBatchCheck(t target) *batchCheck {
	return &batchCheck{dealer: t.dealer, week: t.week, keys: map[string]int{}}
}

// add checks the next line.
func (c *batchCheck) add(line []byte) {
	c.orders++
	if len(c.refused) == maxRefused {
		return // the answer is full, and a batch of nothing but line breaks should cost little
	}
	if err := c.check(line); err != nil {
		c.refused = append(c.refused, upload.LineProblem{Line: c.orders, Detail: err.Error()})
	}
}

// check says what is wrong with a line, in words that hold nothing of the line itself.
func (c *batchCheck) check(data []byte) error {
	if len(data) > upload.MaxLine {
		return fmt.Errorf("the line has more than %d bytes", upload.MaxLine)
	}
	l, err := parseLine(data)
	if err != nil {
		return err
	}
	switch {
	case l.dealer != c.dealer:
		return errors.New("dealer_id is not the dealer in the path")
	case l.week != c.week.String():
		return errors.New("week is not the week in the path")
	}
	if first, taken := c.keys[l.key]; taken {
		return fmt.Errorf("line %d has the same key", first)
	}
	c.keys[l.key] = c.orders
	return nil
}

// line is an [upload.Line] as far as the collector looks into it.
type line struct {
	dealer, week, key string
	revision          int
}

// rawLine is the members of a line as they are written; nil where a member is left out.
type rawLine struct {
	dealerID, week, key, revision, replaces, voided, repairOrder []byte
}

// field returns where the member of that name goes, or nil for names that a line does not have.
func (l *rawLine) field(name []byte) *[]byte {
	switch string(name) {
	case "dealer_id":
		return &l.dealerID
	case "week":
		return &l.week
	case "key":
		return &l.key
	case "revision":
		return &l.revision
	case "replaces":
		return &l.replaces
	case "voided":
		return &l.voided
	case "repair_order":
		return &l.repairOrder
	}
	return nil
}

// parseLine reads a line of a batch and checks its form: exactly the members of [upload.Line], each once.
func parseLine(data []byte) (line, error) {
	raw, err := splitLine(data)
	if err != nil {
		return line{}, err
	}
	return raw.parse()
}

// splitLine finds the members of a line.
func splitLine(data []byte) (raw rawLine, err error) {
	var wrong error
	object := members(data, func(name, value []byte) bool {
		switch into := raw.field(name); {
		case into == nil:
			wrong = errors.New("the line has a member that lines do not have")
		case *into != nil:
			wrong = fmt.Errorf("the line has %s twice", name)
		default:
			*into = value
		}
		return wrong == nil
	})
	switch {
	case wrong != nil:
		return raw, wrong
	case !object:
		return raw, errors.New("the line is not a JSON object")
	}
	return raw, nil
}

func (l *rawLine) parse() (line, error) {
	dealer, okDealer := text(l.dealerID)
	week, okWeek := text(l.week)
	key, okKey := text(l.key)
	revision, err := strconv.Atoi(string(l.revision))
	switch {
	case !okDealer:
		return line{}, errors.New("dealer_id is not a string")
	case !okWeek:
		return line{}, errors.New("week is not a string")
	case !okKey || key == "":
		return line{}, errors.New("key is not a string with something in it")
	case err != nil || revision < 1:
		return line{}, errors.New("revision is not a whole number from 1")
	}
	if err := l.checkReplaces(revision); err != nil {
		return line{}, err
	}
	return line{dealer, week, key, revision}, l.checkContent(revision)
}

// checkReplaces holds that every revision but the first names what it replaces.
func (l *rawLine) checkReplaces(revision int) error {
	if revision == 1 {
		if l.replaces != nil {
			return errors.New("replaces is for revisions from 2")
		}
		return nil
	}
	if replaces, ok := text(l.replaces); !ok || !isDigest(replaces) {
		return errors.New("replaces is not a SHA-256 in 64 lower-case hex digits, as revisions from 2 have")
	}
	return nil
}

// checkContent holds that there is a repair order or word that it is gone.
func (l *rawLine) checkContent(revision int) error {
	switch {
	case l.voided != nil && string(l.voided) != "true":
		return errors.New("voided is true or left out")
	case l.voided != nil && l.repairOrder != nil:
		return errors.New("a voided line has no repair_order")
	case l.voided != nil && revision == 1:
		return errors.New("a first revision cannot be voided")
	case l.voided != nil:
		return nil
	case len(l.repairOrder) == 0 || l.repairOrder[0] != '{':
		return errors.New("repair_order is not an object, and the line is not voided")
	}
	return nil
}

// text returns the string that a JSON value is, and whether it is one.
func text(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), true
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}
