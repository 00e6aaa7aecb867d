{{/* The release's name, with the chart's where it is not in it. */}}
{{- define "streamgate.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* What selects the pods of this release. */}}
{{- define "streamgate.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "streamgate.labels" -}}
{{ include "streamgate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "streamgate.image" -}}
{{- with .Values.image }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}{{ end }}
{{- end }}

{{/* Settings and policy: the same for every role, and for the Job that runs before this release's ConfigMap is there. */}}
{{- define "streamgate.files" -}}
policy.toml: |
  {{- required "policy: missing; give the policy file, for example --set-file policy=policy.toml" .Values.policy | trim | nindent 2 }}
streamgate.toml: |
  {{- .Values.settings | trim | nindent 2 }}
{{- end }}

{{- define "streamgate.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "streamgate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* The files of one role's Secret, by the setting, or the provider, that names each. Arguments: root, role, secret. */}}
{{- define "streamgate.secretFiles" -}}
{{- $files := dict }}
{{- if .secret }}
{{- if eq .role "vault" }}{{ $_ := set $files "STREAMGATE_VAULT__KEY_FILE" "vault.json" }}{{ end }}
{{- if eq .role "egress" }}
{{- $_ := set $files "STREAMGATE_EGRESS__API_KEY_FILE" "api-key" }}
{{- range $name, $its := .root.Values.providers }}{{ if $its.secretKey }}{{ $_ := set $files $name $its.secretKey }}{{ end }}{{ end }}
{{- end }}
{{- if eq .role "notary" }}{{ $_ := set $files "STREAMGATE_NOTARY__SIGNING_KEY_FILE" "notary.pem" }}{{ end }}
{{- if eq .root.Values.kafka.security "sasl_tls" }}{{ $_ := set $files "STREAMGATE_KAFKA__SASL_PASSWORD_FILE" "kafka-password" }}{{ end }}
{{- end }}
{{- toYaml $files }}
{{- end }}

{{/* How egress reaches the other providers of the policy, as its setting wants it. */}}
{{- define "streamgate.providers" -}}
{{- $found := dict }}
{{- range $name, $its := .Values.providers }}
{{- $access := dict "base_url" $its.baseUrl }}
{{- if $its.secretKey }}{{ $_ := set $access "api_key_file" (printf "/run/streamgate/%s" $its.secretKey) }}{{ end }}
{{- $_ := set $found $name $access }}
{{- end }}
{{- toJson $found }}
{{- end }}

{{/* The pod of a role or of the Job. Arguments: root, role, config (ConfigMap), args, part (values of the role), probes. */}}
{{- define "streamgate.pod" -}}
{{- $values := .root.Values }}
{{- $kafka := $values.kafka }}
{{- $files := include "streamgate.secretFiles" (dict "root" .root "role" .role "secret" .part.secret) | fromYaml }}
{{- if and (eq $kafka.security "sasl_tls") (not .part.secret) }}{{ fail (printf "%s: sasl_tls needs a Secret with the key kafka-password" .role) }}{{ end -}}
serviceAccountName: {{ include "streamgate.name" .root }}-{{ .role }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: 30
{{- with $values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext: {{- include "streamgate.podSecurity" . | nindent 2 }}
{{- if $files }}
initContainers:
  # Secrets are mounted readable by the group; streamgate takes only key files that nobody but their owner may read.
  - name: keys
    image: {{ include "streamgate.image" .root | quote }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    command: [install, -m, "0400", -t, /run/streamgate]
    args: [{{ range $i, $file := values $files | sortAlpha }}{{ if $i }}, {{ end }}/run/secret/{{ $file }}{{ end }}]
    securityContext: {{- include "streamgate.containerSecurity" . | nindent 6 }}
    resources:
      requests: {cpu: 10m, memory: 16Mi}
      limits: {memory: 64Mi}
    volumeMounts:
      - {name: secret, mountPath: /run/secret, readOnly: true}
      - {name: keys, mountPath: /run/streamgate}
{{- end }}
containers:
  - name: {{ .role }}
    image: {{ include "streamgate.image" .root | quote }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    args: {{ toJson .args }}
    env:
      - {name: STREAMGATE_CONFIG, value: /etc/streamgate/streamgate.toml}
      - {name: STREAMGATE_POLICY_FILE, value: /etc/streamgate/policy.toml}
      - {name: STREAMGATE_KAFKA__BOOTSTRAP, value: {{ $kafka.bootstrap | quote }}}
      - {name: STREAMGATE_KAFKA__SECURITY, value: {{ $kafka.security }}}
      {{- if eq $kafka.security "sasl_tls" }}
      - {name: STREAMGATE_KAFKA__SASL_MECHANISM, value: {{ $kafka.saslMechanism }}}
      - {name: STREAMGATE_KAFKA__SASL_USER, value: {{ .part.kafkaUser | quote }}}
      {{- end }}
      {{- if $kafka.caConfigMap }}
      - {name: STREAMGATE_KAFKA__TLS_CA_FILE, value: /etc/streamgate-ca/ca.pem}
      {{- end }}
      - name: STREAMGATE_DEAD_LETTERS__PUBLIC_KEY
        value: {{ required "deadLetters.publicKey: missing; for example --set-file deadLetters.publicKey=keys/dead-letters.pub" ($values.deadLetters.publicKey | trim) | quote }}
      - {name: STREAMGATE_DEAD_LETTERS__EPOCH, value: {{ $values.deadLetters.epoch | int | quote }}}
      - {name: STREAMGATE_TELEMETRY__LOG_FORMAT, value: json}
      - {name: STREAMGATE_TELEMETRY__METRICS_HOST, value: 0.0.0.0}
      - {name: STREAMGATE_TELEMETRY__METRICS_PORT, value: {{ $values.metricsPort | int | quote }}}
      {{- if .part.stateSize }}
      - {name: STREAMGATE_RUNTIME__STATE_DIRECTORY, value: /var/lib/streamgate}
      {{- end }}
      {{- range $name, $file := $files }}
      {{- if hasPrefix "STREAMGATE_" $name }}
      - {name: {{ $name }}, value: /run/streamgate/{{ $file }}}
      {{- end }}
      {{- end }}
      {{- if and (eq .role "egress") $values.providers }}
      - {name: STREAMGATE_EGRESS__PROVIDERS, value: {{ include "streamgate.providers" .root | quote }}}
      {{- end }}
    {{- if .probes }}
    ports:
      - {name: metrics, containerPort: {{ $values.metricsPort }}, protocol: TCP}
    startupProbe:
      httpGet: {path: /healthz, port: metrics}
      periodSeconds: 2
      failureThreshold: 60
    livenessProbe:
      httpGet: {path: /healthz, port: metrics}
      periodSeconds: 10
      timeoutSeconds: 3
      failureThreshold: 6
    readinessProbe:
      httpGet: {path: /readyz, port: metrics}
      periodSeconds: 5
      timeoutSeconds: 3
    {{- end }}
    securityContext: {{- include "streamgate.containerSecurity" . | nindent 6 }}
    resources: {{- toYaml .part.resources | nindent 6 }}
    volumeMounts:
      - {name: config, mountPath: /etc/streamgate, readOnly: true}
      - {name: tmp, mountPath: /tmp}
      {{- if .part.stateSize }}
      - {name: state, mountPath: /var/lib/streamgate}
      {{- end }}
      {{- if $kafka.caConfigMap }}
      - {name: ca, mountPath: /etc/streamgate-ca, readOnly: true}
      {{- end }}
      {{- if $files }}
      - {name: keys, mountPath: /run/streamgate, readOnly: true}
      {{- end }}
volumes:
  - name: config
    configMap: {name: {{ .config }}}
  - name: tmp
    emptyDir: {medium: Memory, sizeLimit: 64Mi}
  {{- if .part.stateSize }}
  - name: state
    emptyDir: {sizeLimit: {{ .part.stateSize }}}
  {{- end }}
  {{- if $kafka.caConfigMap }}
  - name: ca
    configMap: {name: {{ $kafka.caConfigMap }}}
  {{- end }}
  {{- if $files }}
  - name: keys
    emptyDir: {medium: Memory, sizeLimit: 1Mi}
  - name: secret
    secret:
      secretName: {{ .part.secret }}
      defaultMode: 0440
      items:
        {{- range values $files | sortAlpha }}
        - {key: {{ . }}, path: {{ . }}}
        {{- end }}
  {{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Ways that every pod has: names, and Kafka. */}}
{{- define "streamgate.kafkaAndDns" -}}
- to: {{- toYaml .Values.network.dns.peers | nindent 4 }}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
- to: {{- toYaml .Values.network.kafka.peers | nindent 4 }}
  ports:
    {{- range .Values.network.kafka.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}
