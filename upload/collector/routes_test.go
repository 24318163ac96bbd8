package collector_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roagent/upload/collector"
	"roagent/upload/collector/wiretest"
)

// openapi.yaml, README and the server agree: each route that is described is served, by these methods and no others; README
// names the same; and of what is served nothing is undescribed.
func TestRoutes(t *testing.T) {
	described := wiretest.Open(t).Routes()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| ([A-Z]+) \\| `(/v1/[^`]*)`").FindAllStringSubmatch(string(readme), -1) {
		named[row[2]] = append(named[row[2]], row[1])
		slices.Sort(named[row[2]])
	}
	if diff := cmp.Diff(described, named); diff != "" {
		t.Errorf("README's table (-openapi.yaml +README):\n%s", diff)
	}

	store := collector.NewMemStore()
	key, err := collector.OpenKey(t.Context(), store, "")
	if err != nil {
		t.Fatal(err)
	}
	h := collector.New(store, key)
	values := strings.NewReplacer("{dealer_id}", dealer, "{week}", week, "{id}", digest("x"), "{digest}", digest("x"))
	served := map[string][]string{}
	for path := range described {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, values.Replace(path), http.NoBody))
			switch w.Code {
			case http.StatusUnauthorized: // it would be, for whoever may
				served[path] = append(served[path], method)
			case http.StatusMethodNotAllowed:
				if got := strings.Split(w.Header().Get("Allow"), ", "); !slices.Equal(got, described[path]) {
					t.Errorf("%s %s: Allow is %v, want %v", method, path, got, described[path])
				}
			default:
				t.Errorf("%s %s: got %d", method, path, w.Code)
			}
		}
		slices.Sort(served[path])
	}
	if diff := cmp.Diff(described, served); diff != "" {
		t.Errorf("the server (-openapi.yaml +served):\n%s", diff)
	}

	undescribed := slices.DeleteFunc(h.Patterns(), func(pattern string) bool {
		_, ok := described[strings.NewReplacer("{dealer}", "{dealer_id}", "{batch}", "{id}", "{fieldmap}", "{digest}").Replace(pattern)]
		return ok
	})
	if len(undescribed) > 0 {
		t.Errorf("served, and not described: %v", undescribed)
	}
}
