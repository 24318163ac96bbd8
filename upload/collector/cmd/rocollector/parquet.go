package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"roagent/upload"
)

// rowGroup is how many rows are held in memory before they are written.
const rowGroup = 10_000

// writeParquet writes a row for each line: dealer_id, week, key, revision, replaces, voided, and repair_order as nested columns.
// Which columns an order has is for each dealer's whitelist to say, so the lines are read twice: for the columns, and for the rows.
func writeParquet(w io.Writer, lines linesOf) (n int, err error) {
	var order shape
	if err := eachOrder(lines, func(_ *upload.Line, o any) error {
		order.add(o)
		n++
		return nil
	}); err != nil {
		return 0, err
	}
	order.settle()
	out := parquet.NewGenericWriter[any](w, schemaOf(&order), parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(rowGroup),
		parquet.CreatedBy("rocollector", "", ""))
	err = eachOrder(lines, func(l *upload.Line, o any) error {
		row := map[string]any{"dealer_id": l.DealerID, "week": l.Week, "key": l.Key, "revision": int32(l.Revision), "voided": l.Voided}
		if l.Replaces != "" {
			row["replaces"] = l.Replaces
		}
		if v := order.cell(o); v != nil {
			row["repair_order"] = v
		}
		_, err := out.Write([]any{row})
		return err
	})
	return n, errors.Join(err, out.Close())
}

func schemaOf(order *shape) *parquet.Schema {
	columns := parquet.Group{
		"dealer_id": parquet.String(),
		"week":      parquet.String(),
		"key":       parquet.String(),
		"revision":  parquet.Int(32),
		"replaces":  parquet.Optional(parquet.String()),
		"voided":    parquet.Leaf(parquet.BooleanType),
	}
	if order.kind != kindNone {
		columns["repair_order"] = order.node()
	}
	return parquet.NewSchema("line", columns)
}

// eachOrder calls each for every line, with its repair_order as JSON values, or nil.
func eachOrder(lines linesOf, each func(l *upload.Line, order any) error) error {
	return lines(func(text []byte) error {
		var l upload.Line
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("a line that is held is no line: %w", err)
		}
		if l.RepairOrder == nil {
			return each(&l, nil)
		}
		d := json.NewDecoder(bytes.NewReader(l.RepairOrder))
		d.UseNumber()
		var order any
		if err := d.Decode(&order); err != nil {
			return fmt.Errorf("an order that is held is no JSON: %w", err)
		}
		return each(&l, order)
	})
}
