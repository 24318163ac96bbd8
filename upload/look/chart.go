package look

import (
	"fmt"
	"html/template"
	"strings"
)

// Part is one part of a whole, or one bar beside others.
type Part struct {
	Class string // of the stylesheet: which colour
	Label string
	Value int
}

// Share draws a whole as one bar of parts, each as long as its value. What is said in words below it stays true without it.
func Share(title string, parts []Part) template.HTML {
	total := 0
	for _, p := range parts {
		total += p.Value
	}
	var b strings.Builder
	open(&b, "share", title, describe(parts), 1000, 28)
	at := 0.0
	for _, p := range parts {
		if p.Value == 0 {
			continue
		}
		width := max(3, 1000*float64(p.Value)/float64(total)) // a single late store is seen
		fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="0" width="%.1f" height="28"/>`, template.HTMLEscapeString(p.Class), min(at, 997), width)
		at += width
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // escaped as it was written
}

// Bars draws values side by side, the largest as high as the chart. A value that is missing is negative: a mark on the ground.
func Bars(title string, bars []Part) template.HTML {
	const step, height = 24, 90
	most := 1
	for _, p := range bars {
		most = max(most, p.Value)
	}
	var b strings.Builder
	open(&b, "bars", title, describe(bars), step*max(1, len(bars)), height+2)
	for i, p := range bars {
		h := max(3, height*p.Value/most)
		if p.Value <= 0 {
			h = 3
		}
		fmt.Fprintf(&b, `<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="2"><title>%s</title></rect>`,
			template.HTMLEscapeString(p.Class), i*step+3, height-h, step-6, h, template.HTMLEscapeString(p.Label))
	}
	fmt.Fprintf(&b, `<path class="ground" d="M0 %d.5H%d"/></svg>`, height+1, step*max(1, len(bars)))
	return template.HTML(b.String())
}

func open(b *strings.Builder, class, title, text string, width, height int) {
	fmt.Fprintf(b, `<svg class="%s" role="img" viewBox="0 0 %d %d" preserveAspectRatio="none" xmlns="http://www.w3.org/2000/svg" aria-label="%s">`,
		class, width, height, template.HTMLEscapeString(title+": "+text))
}

func describe(parts []Part) string {
	words := make([]string, 0, len(parts))
	for _, p := range parts {
		words = append(words, p.Label)
	}
	return strings.Join(words, "; ")
}
