{{/* A path of routes.yaml as a regular expression: itself and all below it. */}}
{{- define "ganglion.pathPattern" -}}
{{ printf "%s(/|$)" (. | replace "." "\\." | replace "*" "[^/]+") }}
{{- end }}

{{/* The same for those who match whole paths. */}}
{{- define "ganglion.wholePathPattern" -}}
{{ printf "%s(/.*)?" (. | replace "." "\\." | replace "*" "[^/]+") }}
{{- end }}
