package collector

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/unusual"
)

func TestLines(t *testing.T) {
	const (
		head  = `{"dealer_id":"04123","week":"2026-W46",`
		hash  = `"replaces":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`
		order = `"repair_order":{}}`
	)
	for name, test := range map[string]struct {
		line, want string
	}{
		"a first revision":        {head + `"key":"RO1","revision":1,` + order, ""},
		"a second":                {head + `"key":"RO1","revision":2,` + hash + `,` + order, ""},
		"a void":                  {head + `"key":"RO1","revision":2,` + hash + `,"voided":true}`, ""},
		"in another order":        {`{"repair_order":{"a":[1,null]},"revision":1,"key":"RO1","week":"2026-W46","dealer_id":"04123"}`, ""},
		"with blanks":             {"\t" + head + ` "key" : "RO1" , "revision" : 1 , ` + order + " \r", ""},
		"with escapes":            {`{"dealer_id":"\u003041\u00323","week":"2026-W46","key":"RO\n1","revision":1,` + order, ""},
		"no JSON":                 {head, "the line is not a JSON object"},
		"an array":                {`[]`, "the line is not a JSON object"},
		"nothing":                 {``, "the line is not a JSON object"},
		"two objects":             {`{}{}`, "the line is not a JSON object"},
		"invalid UTF-8":           {head + `"key":"` + "\xff" + `","revision":1,` + order, "the line is not a JSON object"},
		"nested too deep":         {head + `"key":"RO1","revision":1,"repair_order":` + strings.Repeat(`{"a":`, 70) + `1` + strings.Repeat(`}`, 71), "the line is not a JSON object"},
		"a member too many":       {head + `"key":"RO1","revision":1,"ssn":"078-05-1120",` + order, "the line has a member that lines do not have"},
		"a name in capitals":      {head + `"KEY":"RO1","revision":1,` + order, "the line has a member that lines do not have"},
		"a name with an escape":   {head + `"\u006bey":"RO1","revision":1,` + order, "the line has a member that lines do not have"},
		"a member twice":          {head + `"key":"RO1","key":"RO1","revision":1,` + order, "the line has key twice"},
		"another dealer":          {`{"dealer_id":"04124","week":"2026-W46","key":"RO1","revision":1,` + order, "dealer_id is not the dealer in the path"},
		"dealer is a number":      {`{"dealer_id":4123,"week":"2026-W46","key":"RO1","revision":1,` + order, "dealer_id is not a string"},
		"another week":            {`{"dealer_id":"04123","week":"2026-W47","key":"RO1","revision":1,` + order, "week is not the week in the path"},
		"no week":                 {`{"dealer_id":"04123","key":"RO1","revision":1,` + order, "week is not a string"},
		"no key":                  {head + `"revision":1,` + order, "key is not a string with something in it"},
		"an empty key":            {head + `"key":"","revision":1,` + order, "key is not a string with something in it"},
		"key is null":             {head + `"key":null,"revision":1,` + order, "key is not a string with something in it"},
		"no revision":             {head + `"key":"RO1",` + order, "revision is not a whole number from 1"},
		"revision 0":              {head + `"key":"RO1","revision":0,` + order, "revision is not a whole number from 1"},
		"revision -1":             {head + `"key":"RO1","revision":-1,` + order, "revision is not a whole number from 1"},
		"revision 1.0":            {head + `"key":"RO1","revision":1.0,` + order, "revision is not a whole number from 1"},
		"revision 1e0":            {head + `"key":"RO1","revision":1e0,` + order, "revision is not a whole number from 1"},
		"revision is text":        {head + `"key":"RO1","revision":"1",` + order, "revision is not a whole number from 1"},
		"revision past all":       {head + `"key":"RO1","revision":99999999999999999999,` + order, "revision is not a whole number from 1"},
		"a second replaces none":  {head + `"key":"RO1","revision":2,` + order, "replaces is not a SHA-256 in 64 lower-case hex digits, as revisions from 2 have"},
		"replaces in capitals":    {head + `"key":"RO1","revision":2,` + strings.Replace(hash, "e3", "E3", 1) + `,` + order, "replaces is not a SHA-256 in 64 lower-case hex digits, as revisions from 2 have"},
		"a first replaces":        {head + `"key":"RO1","revision":1,` + hash + `,` + order, "replaces is for revisions from 2"},
		"neither order nor void":  {head + `"key":"RO1","revision":1}`, "repair_order is not an object, and the line is not voided"},
		"order is an array":       {head + `"key":"RO1","revision":1,"repair_order":[]}`, "repair_order is not an object, and the line is not voided"},
		"order is null":           {head + `"key":"RO1","revision":1,"repair_order":null}`, "repair_order is not an object, and the line is not voided"},
		"order and void":          {head + `"key":"RO1","revision":2,` + hash + `,"voided":true,` + order, "a voided line has no repair_order"},
		"voided is false":         {head + `"key":"RO1","revision":2,` + hash + `,"voided":false,` + order, "voided is true or left out"},
		"void of what never came": {head + `"key":"RO1","revision":1,"voided":true}`, "a first revision cannot be voided"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newBatchCheck(target{dealer: "04123", week: fieldmap.Week{Year: 2026, Number: 46}})
			c.add([]byte(test.line))
			var want []upload.LineProblem
			if test.want != "" {
				want = []upload.LineProblem{{Line: 1, Detail: test.want}}
			}
			if diff := cmp.Diff(want, c.refused); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLineReader(t *testing.T) {
	long := strings.Repeat("x", 200<<10)
	for in, want := range map[string][]string{
		"":                           nil,
		"a":                          {"a"},
		"a\n":                        {"a"},
		"a\nb":                       {"a", "b"},
		"\n\na\n\n":                  {"", "", "a", ""},
		long + "\n" + long + "\nb":   {long, long, "b"},
		long[:64<<10] + "\nb\n":      {long[:64<<10], "b"},
		long[:64<<10-1] + "\nb\n":    {long[:64<<10-1], "b"},
		"a\r\n" + long + "\n\n" + "": {"a\r", long, ""},
	} {
		for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in)), iotest.DataErrReader(strings.NewReader(in))} {
			lines := newLineReader(r)
			var got []string
			for {
				l, err := lines.next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(l))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("lines of %.20q (-want +got):\n%s", in, diff)
			}
		}
	}
}

// A line costs no more memory than a line may have.
func TestAnEndlessLine(t *testing.T) {
	lines := newLineReader(strings.NewReader(strings.Repeat("x", 2*upload.MaxLine) + "\nb"))
	if l, err := lines.next(); err != nil || len(l) != upload.MaxLine+1 {
		t.Errorf("got %d bytes, %v", len(l), err)
	}
	if l, err := lines.next(); err != nil || string(l) != "b" {
		t.Errorf("after it: got %d bytes, %v", len(l), err)
	}
}

// FuzzMembers holds the scanner against encoding/json: it takes what that takes, but for invalid UTF-8 and deep nesting,
// and finds the same members.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, ` {"a" : [1,-0.5e+3,{}, [ ] ,true,false,null,"\u00e9\"\\"] , "b":{"c":"d"}} `, `[]`, `{"a":01}`, `{"a":1.}`,
		`{"a":1e}`, `{"a":-}`, `{"a":"` + "\x1f" + `"}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a"}`, `{"a":1,}`, `{,}`, `{"a":[1,]}`, `{"a":tru}`,
		`{"a":1}x`, `{"a":"`, `{"a":"\`, `{"a":"\u`, "\xef\xbb\xbf{}", `{"a":"` + "\xff" + `"}`, `{"a":[[[[[[[[]]]]]]]]}`, "{\"a\":1\x00}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got := map[string]string{}
		ok := members(data, func(name, value []byte) bool {
			var s string
			if err := json.Unmarshal([]byte(`"`+string(name)+`"`), &s); err != nil {
				t.Errorf("%q is no name: %v", name, err)
			}
			got[s] = string(value)
			return true
		})
		var want map[string]json.RawMessage
		valid := utf8.Valid(data) && json.Unmarshal(data, &want) == nil && want != nil
		if ok != valid && (ok || depth(data) < maxDepth) {
			t.Fatalf("%q: members says %t, encoding/json %t", data, ok, valid)
		}
		if !ok {
			return
		}
		for name, value := range want {
			if got[name] != string(value) {
				t.Errorf("%q: %q is %q, want %q", data, name, got[name], value)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%q: %d members, want %d", data, len(got), len(want))
		}
	})
}

// depth returns how deep data may nest at most.
func depth(data []byte) int { return bytes.Count(data, []byte{'{'}) + bytes.Count(data, []byte{'['}) }

// FuzzLines holds that what is taken is a line as the wire describes it, and that a refusal repeats nothing of a line.
func FuzzLines(f *testing.F) {
	const secret = "Zebulon"
	for _, seed := range []string{
		`{"dealer_id":"04123","week":"2026-W46","key":"RO1","revision":1,"repair_order":{"a":1}}`,
		`{"dealer_id":"04123","week":"2026-W46","key":"RO1","revision":2,"replaces":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","voided":true}`,
		`{"dealer_id":"Zebulon","week":"Zebulon","key":"Zebulon","revision":"Zebulon","Zebulon":"Zebulon"}`,
		"{}\n\n[]\n",
	} {
		f.Add([]byte(seed))
	}
	week := fieldmap.Week{Year: 2026, Number: 46}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := newBatchCheck(target{dealer: "04123", week: week})
		for line := range bytes.SplitSeq(data, []byte{'\n'}) {
			before := len(c.refused)
			c.add(line)
			if len(c.refused) > before {
				if detail := c.refused[before].Detail; strings.Contains(detail, secret) {
					t.Errorf("a refusal repeats the line: %s", detail)
				}
				continue
			}
			if c.orders > maxRefused {
				continue
			}
			d := json.NewDecoder(bytes.NewReader(line))
			d.DisallowUnknownFields()
			var l upload.Line
			if err := d.Decode(&l); err != nil {
				t.Fatalf("%q was taken: %v", line, err)
			}
			if l.DealerID != "04123" || l.Week != week.String() || l.Key == "" || l.Revision < 1 ||
				(l.Revision > 1) != isDigest(l.Replaces) || l.Voided == (l.RepairOrder != nil) {
				t.Errorf("%q was taken", line)
			}
		}
	})
}

// FuzzNames holds that nothing that is taken for an id leads anywhere else.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{"04123", "..", "a/b", "a\x00", "CON", ".", "a.b", "é", strings.Repeat("a", 65), strings.Repeat("0", 64)} {
		f.Add(seed, seed, seed)
	}
	f.Fuzz(func(t *testing.T, dealer, week, id string) {
		w, err := fieldmap.ParseWeek(week)
		if checkDealer(dealer) != nil || err != nil || !isDigest(id) {
			return
		}
		name := batchFile(dealer, w, id)
		if name != "dealers/"+dealer+"/"+week+"/batches/"+id+".ndjson.zst" || CheckName(name) != nil {
			t.Errorf("%q, %q, %q lead to %q", dealer, week, id, name)
		}
	})
}

// FuzzContentDigest holds that no header passes for another body's.
func FuzzContentDigest(f *testing.F) {
	for _, seed := range []string{"", "sha-256=::", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", "sha-512=:x:, sha-256=:x:", ",,,", "sha-256=:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		sum, err := contentDigest(map[string][]string{"Content-Digest": {header}})
		if err == nil && sum == [32]byte{} && !strings.Contains(header, strings.Repeat("A", 42)) {
			t.Errorf("%q passes for nothing", header)
		}
	})
}

func BenchmarkLines(b *testing.B) {
	line := []byte(`{"dealer_id":"04123","week":"2026-W46","key":"RO1001","revision":1,"repair_order":{"job":[` + strings.TrimSuffix(strings.Repeat(
		`{"job_number_string":"1","bill_to_party_type":"CUSTOMER_PAY","codes_and_comments_expanded":{"correction_description":"replaced the front pads"},`+
			`"pricing":{"price":{"charge_amount":{"value":"129.90","currency_code":"USD"}}}},`, 6), ",") + `]}}`)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseLine(line); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzManifest holds that a manifest which is taken says what it says of one week of one dealer, and counts its batches.
func FuzzManifest(f *testing.F) {
	batch := `{"id":"` + strings.Repeat("ab", 32) + `","orders":1}`
	for _, batches := range []string{"", batch, batch + "," + batch, strings.Replace(batch, "1}", "4611686018427387904}", 1), strings.Replace(batch, "1}", "-1}", 1)} {
		f.Add([]byte(`{"dealer_id":"04123","week":"2026-W46","timezone":"UTC","read_at":"2026-11-16T11:00:00Z","readings":1,"fieldmap_digest":"` +
			strings.Repeat("0", 64) + `","orders":1,"held":1,"batches":[` + batches + `]}`))
	}
	f.Add([]byte(`{"dealer_id":"04123"} {}`))
	for _, profile := range []string{
		`{"orders":5,"lines":{"job":9},"present":{"job.a":9,"b":5},"codes":{"job.a":{"WARRANTY":4,"other":5}},"sums":{"job.a":"-12.5"}}`,
		`{"orders":1,"sums":{"a":"1"}}`, `{"orders":-1}`, `{"orders":5,"present":{"a":6}}`, `{"orders":5,"codes":{"a":{"\n":1}}}`, `{"orders":5,"sums":{"a":"1e400"}}`, `null`,
	} {
		f.Add([]byte(`{"dealer_id":"04123","week":"2026-W46","timezone":"UTC","read_at":"2026-11-16T11:00:00Z","readings":1,"fieldmap_digest":"` +
			strings.Repeat("0", 64) + `","orders":0,"held":0,"batches":[],"profile":` + profile + `}`))
	}
	f.Add([]byte(`{"dropped":[{"what":"field","field":"a","why":"b\n","count":1}]}`))
	week := fieldmap.Week{Year: 2026, Number: 46}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseManifest(data, target{dealer: "04123", week: week})
		if err != nil {
			if refused, ok := errors.AsType[*refusal](err); !ok || refused.Status != 400 {
				t.Errorf("%q: %v", data, err)
			}
			return
		}
		if m.DealerID != "04123" || m.Week != week.String() || m.Orders < len(m.Batches) || m.Held > m.Orders || m.Held < 0 {
			t.Errorf("%q was taken", data)
		}
		if p := m.Profile; p != nil {
			_ = unusual.Compare(p, []*fieldmap.Profile{p, p, p, p}) // what is taken can be compared
			if p.Orders < 0 || p.Orders < fieldmap.MinSummed && len(p.Sums) > 0 {
				t.Errorf("%q was taken", data)
			}
		}
	})
}

// FuzzStatus holds that a heartbeat which is taken says what the wire describes, of its own dealer, and that a refusal repeats nothing.
func FuzzStatus(f *testing.F) {
	const good = `{"dealer_id":"04123","agent_version":"1","at":"2026-11-16T11:00:00Z","state":"idle","queued_batches":0,"queued_bytes":0,"parked":0`
	for _, seed := range []string{
		`{"dealer_id":"04123"}`, `{"dealer_id":"04123","name":"Zebulon"}`, `{}x`, `[`, `{"DEALER_ID":"1"}`, `null`, good + `}`, good + `} {}`,
		good + `,"state":"Zebulon"}`, good + `,"last_error":"Zebulon","last_error_at":"2026-11-16T11:00:00Z"}`, good + `,"last_error":"dms","delayed":-1}`,
		good + `,"queue_limit":1e400,"oldest_queued":"0001-01-01T00:00:00Z","last_week":"2026-W99"}`, good + `,"certificate_ends":"9999-12-31T23:59:59.999-23:59"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseStatus(data, target{dealer: "04123"})
		if err != nil {
			if refused, ok := errors.AsType[*refusal](err); !ok || refused.Status != 400 || strings.Contains(refused.Detail, "Zebulon") {
				t.Errorf("%q: %v", data, err)
			}
			return
		}
		text, err := json.Marshal(s)
		if err != nil || strings.Contains(string(text), "Zebulon") && s.AgentVersion == "" {
			t.Errorf("%q was taken: %v", data, err)
		}
		again, err := parseStatus(text, target{dealer: "04123"})
		if err != nil || !slices.Contains(upload.States(), again.State) || again.LastError != "" && !slices.Contains(upload.ErrorClasses(), again.LastError) {
			t.Errorf("%q was taken, as %s: %v", data, text, err)
		}
		if again.Parked < 0 || again.QueuedBatches < 0 || again.QueuedBytes < 0 || again.QueueLimit < 0 || again.Delayed < 0 {
			t.Errorf("%q was taken", data)
		}
	})
}
