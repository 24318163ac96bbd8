package fieldmap_test

import (
	"encoding/json"
	"strings"
	"testing"

	"roagent/fieldmap"
)

func TestWithoutField(t *testing.T) {
	const order = `{"head":{"id":"1","note":"a \u2028 \"b\""},"job":[{"no":1.50,"price":{"amount":{"value":1,"code":"USD"}}},{"price":{"amount":{"value":2}}},{"part":[{"id":"p"},{"id":"q","n":2}]}]}`
	tests := map[string]struct{ path, want string }{
		"member": {"head.note", strings.Replace(order, `,"note":"a \u2028 \"b\""`, "", 1)},
		"first":  {"head.id", strings.Replace(order, `"id":"1",`, "", 1)},
		"object": {"head", order[:1] + order[strings.Index(order, `"job"`):]},
		"in every row, with what it leaves empty": {
			"job.price.amount", `{"head":{"id":"1","note":"a \u2028 \"b\""},"job":[{"no":1.50},{},{"part":[{"id":"p"},{"id":"q","n":2}]}]}`,
		},
		"in a list of a list": {"job.part.id", strings.Replace(strings.Replace(order, `"id":"p"`, "", 1), `"id":"q",`, "", 1)},
		"below a value":       {"head.id.more", ""},
		"not there":           {"head.other", ""},
		"another's name":      {"note", ""},
		"no path":             {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rest, taken, err := fieldmap.WithoutField([]byte(order), tt.path)
			want := tt.want
			if want == "" {
				want = order
			}
			if string(rest) != want || taken != (tt.want != "") || err != nil {
				t.Errorf("got %s, %v, %v\nwant %s", rest, taken, err, want)
			}
		})
	}
}

// FuzzWithoutField holds that what is left is JSON that has no such member, and that nothing is said of what is none.
func FuzzWithoutField(f *testing.F) {
	f.Add([]byte(`{"head":{"id":"1"},"job":[{"price":{"amount":1}},[]]}`), "job.price.amount")
	f.Add([]byte(`{"a":{"a":{}}}`), "a.a")
	f.Add([]byte(`[{"a":1}`), "a")
	f.Add([]byte(`{"a":tru}`), "a")
	f.Fuzz(func(t *testing.T, order []byte, path string) {
		if !json.Valid(order) {
			_, _, err := fieldmap.WithoutField(order, "secret")
			if err != nil && !strings.HasSuffix(err.Error(), "it is no JSON") {
				t.Errorf("the error is %v", err)
			}
			return
		}
		order = []byte(strings.TrimSpace(string(order)))
		rest, _, err := fieldmap.WithoutField(order, path)
		if err != nil || !json.Valid(rest) {
			t.Fatalf("%s without %s is %s, %v", order, path, rest, err)
		}
		if again, taken, err := fieldmap.WithoutField(rest, path); taken || string(again) != string(rest) || err != nil {
			t.Errorf("%s without %s is %s, and then %s, %v", order, path, rest, again, err)
		}
	})
}
