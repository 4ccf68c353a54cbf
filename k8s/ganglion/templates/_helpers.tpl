{{/* What the names of all objects begin with. Services want a letter first and no dots, and the longest thing that is hung on
is "-federation-api-rpc"; a name that has to be cut keeps a piece of its hash, so that two of them stay two. */}}
{{- define "ganglion.name" -}}
{{- $name := .Values.fullnameOverride | default .Release.Name | toString | replace "." "-" -}}
{{- if regexMatch "^[0-9]" $name }}{{ $name = printf "g-%s" $name }}{{ end -}}
{{- if gt (len $name) 43 }}{{ $name = printf "%s-%s" ($name | trunc 36 | trimSuffix "-") ($name | sha256sum | trunc 6) }}{{ end -}}
{{- $name -}}
{{- end }}

{{/* A release may be called 123 or y, which without quotes are no strings. Of a longer name a label takes what it can. */}}
{{- define "ganglion.labels" -}}
app.kubernetes.io/name: ganglion
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "ganglion.allLabels" -}}
{{ include "ganglion.labels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | toString | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end }}

{{- define "ganglion.image" -}}
{{- if .Values.image.digest -}}
{{ printf "%s@%s" .Values.image.repository .Values.image.digest | quote }}
{{- else -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion | toString) | quote }}
{{- end -}}
{{- end }}

{{/* Every Deployment by its name, with its settings: what stands at it on what stands at all of them. A single pod is all
services in one process, of which there may not be two. */}}
{{- define "ganglion.deployments" -}}
{{- $all := dict }}
{{- if .Values.single.enabled }}
{{- $alone := dict "replicas" 1.0 "autoscaling" (dict "enabled" false) }}
{{- $_ := set $all "all-in-one" (mergeOverwrite (deepCopy .Values.defaults) (dict "resources" (deepCopy .Values.single.resources)) $alone) }}
{{- else }}
{{- range $service, $own := .Values.services }}
{{- $_ := set $all $service (mergeOverwrite (deepCopy $.Values.defaults) (deepCopy ($own | default dict))) }}
{{- end }}
{{- end }}
{{- $all | toYaml }}
{{- end }}

{{/* Whether a Deployment answers requests of clients and servers: some are only called by the others. */}}
{{- define "ganglion.speaksHttp" -}}
{{- $routes := .root.Files.Get "routes.yaml" | fromYaml }}
{{- if or (eq .service "all-in-one") (hasKey $routes.paths .service) }}yes{{ end }}
{{- end }}

{{/* Whose Service answers for a service. */}}
{{- define "ganglion.backend" -}}
{{ include "ganglion.name" .root }}-{{ ternary "all-in-one" .service .root.Values.single.enabled }}
{{- end }}

{{/* Whether other services ask a service for something. */}}
{{- define "ganglion.isCalled" -}}
{{- if has . (list "federation-api" "key-server" "room-server" "sync" "user-server") }}yes{{ end }}
{{- end }}

{{/* ganglion.yaml: what the chart knows by itself, and over it what the operator says. */}}
{{- define "ganglion.config" -}}
{{- $rpc := dict "listen" "0.0.0.0:9090" }}
{{- if not .Values.single.enabled }}
{{- $endpoints := dict }}
{{- range $service, $_ := .Values.services }}
{{- if include "ganglion.isCalled" $service }}
{{- $_ := set $endpoints $service (list (printf "dns:%s-%s-rpc:9090" (include "ganglion.name" $) $service)) }}
{{- end }}
{{- end }}
{{- $_ := set $rpc "endpoints" $endpoints }}
{{- end }}
{{- $ours := dict
  "data_dir" "/var/lib/ganglion"
  "database" (dict "url_file" "/run/secrets/database/url")
  "rpc" $rpc
  "http" (dict "listeners" (list (dict "host" "0.0.0.0" "port" 8008)) "trusted_proxies" .Values.trustedProxies)
  "telemetry" (dict "metrics" (dict "listen" "0.0.0.0:9100"))
}}
{{- $all := mergeOverwrite $ours (deepCopy .Values.config) }}
{{- if .Values.single.enabled }}{{ $_ := set $all "bus" (dict "kind" "embedded") }}{{ end }}
{{- $all | toYaml }}
{{- end }}

{{/* What every pod of ours is: nobody in particular, with nothing to ask of the API server. */}}
{{- define "ganglion.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: { runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, seccompProfile: { type: RuntimeDefault } }
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What every container of ours has: the secrets that its configuration names, and nothing to write to. The list of its
volumes comes last, so that more may follow. */}}
{{- define "ganglion.container" -}}
image: {{ include "ganglion.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
volumeMounts:
  - { name: database, mountPath: /run/secrets/database, readOnly: true }
  - { name: signing-keys, mountPath: /var/lib/ganglion/keys, readOnly: true }
  - { name: tmp, mountPath: /tmp }
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "ganglion.volumes" -}}
- name: database
  secret: { secretName: {{ .Values.secrets.database | quote }}, items: [{ key: {{ .Values.secrets.databaseKey | quote }}, path: url }] }
- { name: signing-keys, secret: { secretName: {{ .Values.secrets.signingKeys | quote }} } }
- { name: tmp, emptyDir: {} }
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What Prometheus calls the pods of this release. */}}
{{- define "ganglion.pods" -}}
{{ printf "namespace=%q,pod=~\"%s-.+\"" .Release.Namespace (include "ganglion.name" .) }}
{{- end }}
