package fieldmap

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// WithoutField returns an order, as a [Page] writes it, without the member at a sent path:
// job.pricing.price.charge_amount takes the price out of every job. Objects that have nothing left vanish, rows of
// lists stay. taken is false where the order has no such member.
func WithoutField(order []byte, path string) (rest []byte, taken bool, err error) {
	rest, taken, err = without(order, strings.Split(path, "."))
	if err != nil {
		return nil, false, fmt.Errorf("take %s out of an order: %w", path, err)
	}
	return rest, taken, nil
}

var errNoJSON = errors.New("it is no JSON") // what a decoder says may quote the order

func without(value []byte, path []string) (rest []byte, taken bool, err error) {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	open, err := d.Token()
	if err != nil {
		return nil, false, errNoJSON
	}
	if open != json.Delim('{') && open != json.Delim('[') {
		return value, false, nil
	}
	rest = append(rest, value[0])
	for d.More() {
		member, took, err := memberWithout(d, open == json.Delim('{'), path)
		if err != nil {
			return nil, false, err
		}
		if taken = taken || took; member == nil {
			continue
		}
		if len(rest) > 1 {
			rest = append(rest, ',')
		}
		rest = append(rest, member...)
	}
	if _, err := d.Token(); err != nil {
		return nil, false, errNoJSON
	}
	return append(rest, value[len(value)-1]), taken, nil
}

// memberWithout reads the next member of an object, or element of a list; nil if nothing of it is left.
func memberWithout(d *json.Decoder, named bool, path []string) (member []byte, taken bool, err error) {
	within := path
	if named {
		name, err := d.Token()
		if err != nil {
			return nil, false, errNoJSON
		}
		text, _ := name.(string)
		member, _ = AppendJSON(nil, text)
		member = append(member, ':')
		if within = nil; text == path[0] {
			within = path[1:]
		}
	}
	var value json.RawMessage
	if d.Decode(&value) != nil {
		return nil, false, errNoJSON
	}
	switch {
	case within == nil:
		return append(member, value...), false, nil
	case len(within) == 0:
		return nil, true, nil
	}
	rest, taken, err := without(value, within)
	if err != nil || taken && named && string(rest) == "{}" {
		return nil, taken, err
	}
	return append(member, rest...), taken, nil
}
