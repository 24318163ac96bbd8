package freetext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// address reads the e-mail address around an @, if there is one. Workshops write @ for at (VIB @ 65MPH, LEAK@REAR.MAIN):
// an address ends with a top-level domain.
func (s *scanner) address() {
	at := s.at
	s.at++
	from := at
	for from > s.floor() {
		r, size := utf8.DecodeLastRuneInString(s.text[s.floor():from])
		if !isLocal(r, size) {
			break
		}
		from -= size
	}
	for from < at && strings.IndexByte("._%+-'&", s.text[from]) >= 0 {
		from++
	}
	to := at + 1
	for to < len(s.text) && (isLetter(s.text[to]) || isDigit(s.text[to]) || s.text[to] == '.' || s.text[to] == '-') {
		to++
	}
	for to > at+1 && (s.text[to-1] == '.' || s.text[to-1] == '-') {
		to--
	}
	if domain := s.text[at+1 : to]; from < at {
		if size := domainSize(domain); size > 0 {
			s.take(Match{Email, from, at + 1 + size})
		}
	}
}

func isLocal(r rune, size int) bool {
	if r < utf8.RuneSelf {
		return isLetter(byte(r)) || isDigit(byte(r)) || strings.IndexByte("._%+-'&", byte(r)) >= 0
	}
	return size > 1 && unicode.IsLetter(r)
}

// domainSize returns how much of the text is a domain: up to the last label that is a top-level domain. What follows it
// is the next sentence, typed without a blank. 0: none of it is.
func domainSize(domain string) int {
	for end := len(domain); end > 0; end = strings.LastIndexByte(domain[:end], '.') {
		dot := strings.LastIndexByte(domain[:end], '.')
		if dot <= 0 {
			return 0
		}
		if domain[dot-1] != '.' && topLevel(domain[dot+1:end]) {
			return end
		}
	}
	return 0
}

// topLevel reports whether the label is a top-level domain that people have their mail at. FR, LR, RR and their like are
// corners of a car.
func topLevel(label string) bool {
	var w spelling
	w.add(label)
	switch string(w.bytes()) {
	case "com", "net", "org", "edu", "gov", "mil", "info", "biz", "name", "pro", "mobi", "app", "dev", "email", "mail", "online", "site", "shop", "store",
		"xyz", "cloud", "live", "auto", "cars", "toyota", "test", "example", "us", "ca", "mx", "uk", "au", "nz", "ie", "de", "at", "ch", "it", "es", "pt",
		"nl", "be", "se", "no", "dk", "fi", "pl", "cz", "hu", "gr", "ru", "ua", "jp", "kr", "cn", "tw", "hk", "sg", "in", "ph", "vn", "br", "ar", "cl",
		"pr", "io", "co", "me", "tv", "ai", "eu":
		return true
	}
	return false
}
