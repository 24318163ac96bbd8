package extract

import (
	"context"
	"fmt"

	"roagent/fieldmap"
)

// Reader reads orders of one whitelist. Its statements and the types of their parameters are settled.
type Reader struct {
	dms           *DMS
	plan          *fieldmap.Plan
	schema        *schema
	encoder       *fieldmap.Encoder
	statements    *statements
	converters    [][]converter // by Level.Index
	keyConverters []converter   // of the values of a key statement
}

// converter turns one value of a row into what a Page takes.
type converter struct {
	at      int
	convert func(any) any
}

// Reading is one consistent read of any number of weeks: under SNAPSHOT or in one transaction of SQLite it sees the
// DMS as it was at the first page. Where that transaction breaks, it goes on in a new one. It serves one goroutine.
type Reading struct {
	reader  *Reader
	session *session // nil: to be begun
	page    *fieldmap.Page
	ahead   keyBuffer
	tally   tally
	size    size
}

// Begin starts a reading. It ends with Close.
func (r *Reader) Begin(ctx context.Context) (*Reading, error) {
	rd := &Reading{reader: r, page: r.encoder.NewPage()}
	err := rd.do(ctx, "begin to read the DMS", func(context.Context, *session) error { return nil })
	if err != nil {
		return nil, err
	}
	return rd, nil
}

// Close ends the reading. Pages made by it stay valid.
func (rd *Reading) Close() error {
	rd.end()
	return nil
}

// op names what is being read, for messages.
func (rd *Reading) op(what string, w fieldmap.Week) string {
	return fmt.Sprintf("read %s of %s", what, w)
}
