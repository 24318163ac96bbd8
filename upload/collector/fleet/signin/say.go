package signin

import (
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed say.html
var sayText string

// say answers with a page of a few words.
func say(w http.ResponseWriter, status int, title, words string) {
	page, err := template.New("").Parse(sayText)
	if err != nil {
		http.Error(w, words, status)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = page.Execute(w, struct{ Title, Words string }{title, words})
}
