// Package strictyaml reads the two files that people write for roagent, and reports every problem at once: place,
// source line, what is wrong, what to do. Unknown keys, doubled keys, wrong types and oversized files are problems.
package strictyaml
