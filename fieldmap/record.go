package fieldmap

import "crypto/sha256"

// Record is one repair order as it may leave: nothing but what the whitelist lists, masked and mapped.
// Only a [Page] makes one.
type Record struct {
	week   Week
	key    OrderKey
	json   []byte
	digest [sha256.Size]byte
	held   string
	tags   Tags
}

// Week returns the week in which the order falls.
func (r Record) Week() Week { return r.week }

// Key returns the order's key.
func (r Record) Key() OrderKey { return r.key }

// JSON returns the order as it is sent, one JSON object without a line break. It must not be changed, and is valid
// until the Page that made the Record is reset.
func (r Record) JSON() []byte { return r.json }

// Digest returns the SHA-256 of JSON.
func (r Record) Digest() [sha256.Size]byte { return r.digest }

// Held says why the order must wait until a person releases it, in words that name no value; "" where it need not.
func (r Record) Held() string { return r.held }

// Tags returns what the order is about: tags of the values that it is sent with, whatever mask they have.
func (r Record) Tags() Tags { return r.tags }

// OrderKey names an order, and tells whether it may have changed since it was last read.
type OrderKey struct {
	// Text is the key as it is sent: several columns are joined with "|".
	Text string
	// Changed is the value of the whitelist's changed column, in a form that is equal only for equal values; ""
	// where there is no such column or it is NULL: the order must be read to know.
	Changed string
	// Recent is set where the changed column's value lies so close to the last reading, or after it, that an edit
	// of the same instant or a late commit may hide behind an equal value.
	Recent bool
}
