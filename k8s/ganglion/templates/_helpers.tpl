{{- define "ganglion.labels" -}}
app.kubernetes.io/name: ganglion
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "ganglion.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* What every container of ours has: the configuration, the secrets it names, and nothing to write to. The list of its
volumes comes last, so that more may follow. */}}
{{- define "ganglion.container" -}}
image: {{ include "ganglion.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - name: GANGLION_CONFIG
    value: /etc/ganglion/ganglion.yaml
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
volumeMounts:
  - { name: config, mountPath: /etc/ganglion, readOnly: true }
  - { name: database, mountPath: /run/secrets/database, readOnly: true }
  - { name: signing-keys, mountPath: /var/lib/ganglion/keys, readOnly: true }
  - { name: tmp, mountPath: /tmp }
{{- end }}

{{- define "ganglion.volumes" -}}
- { name: config, configMap: { name: {{ .Release.Name }}-config } }
- { name: database, secret: { secretName: {{ .Values.secrets.database }} } }
- { name: signing-keys, secret: { secretName: {{ .Values.secrets.signingKeys }} } }
- { name: tmp, emptyDir: {} }
{{- end }}
