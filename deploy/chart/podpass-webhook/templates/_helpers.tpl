{{- define "podpass.name" -}}
{{- .Values.fullnameOverride | default .Values.nameOverride | default "pod-identity-webhook" -}}
{{- end -}}

{{- define "podpass.controller" -}}
{{- include "podpass.name" . }}-controller
{{- end -}}

{{- define "podpass.namespace" -}}
{{- $namespace := .Values.namespaceOverride | default .Release.Namespace -}}
{{- if eq $namespace "podpass-canary" -}}
{{- fail "the namespace cannot be podpass-canary: the canary's namespace holds no pods and has to be reviewed" -}}
{{- end -}}
{{- $namespace -}}
{{- end -}}

{{- /* Called with {context, component}. Never to be changed: a Deployment's selector cannot be. */ -}}
{{- define "podpass.selector" -}}
app.kubernetes.io/name: {{ include "podpass.name" .context }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- /* What the labels of a component and those of its pods have in common. */ -}}
{{- define "podpass.stableLabels" -}}
app: {{ if eq .component "controller" }}{{ include "podpass.controller" .context }}{{ else }}{{ include "podpass.name" .context }}{{ end }}
app.kubernetes.io/part-of: podpass
{{ include "podpass.selector" . }}
{{- end -}}

{{- define "podpass.labels" -}}
{{ include "podpass.stableLabels" . }}
app.kubernetes.io/instance: {{ .context.Release.Name }}
app.kubernetes.io/version: {{ .context.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .context.Release.Service }}
helm.sh/chart: {{ .context.Chart.Name }}-{{ .context.Chart.Version }}
{{- end -}}

{{- define "podpass.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ include "podpass.name" . }}{{ else }}{{ required "serviceAccount.name is required where serviceAccount.create is false" .Values.serviceAccount.name }}{{ end -}}
{{- end -}}

{{- define "podpass.controllerServiceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ include "podpass.controller" . }}{{ else }}{{ required "serviceAccount.controllerName is required where serviceAccount.create is false" .Values.serviceAccount.controllerName }}{{ end -}}
{{- end -}}

{{- define "podpass.image" -}}
{{- with .Values.image -}}
{{- if .registry }}{{ .registry }}/{{ end }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end -}}

{{- /* own, cert-manager, service-ca or secret. */ -}}
{{- define "podpass.tls" -}}
{{- $chosen := list -}}
{{- if .Values.pki.certManager.enabled }}{{ $chosen = append $chosen "cert-manager" }}{{ end -}}
{{- if .Values.pki.serviceCa.enabled }}{{ $chosen = append $chosen "service-ca" }}{{ end -}}
{{- if .Values.pki.existingSecret }}{{ $chosen = append $chosen "secret" }}{{ end -}}
{{- if gt (len $chosen) 1 }}{{ fail "choose one of pki.certManager.enabled, pki.serviceCa.enabled and pki.existingSecret" }}{{ end -}}
{{- if and .Values.pki.existingSecret (not .Values.pki.caBundle) }}{{ fail "pki.existingSecret needs pki.caBundle, the authority that signs it" }}{{ end -}}
{{- first (append $chosen "own") -}}
{{- end -}}

{{- define "podpass.foreignSecret" -}}
{{- .Values.pki.existingSecret | default (printf "%s-cert" (include "podpass.name" .)) -}}
{{- end -}}

{{- define "podpass.injectionFlags" -}}
{{- with .Values.config }}
- --annotation-prefix={{ .annotationPrefix }}
- --token-audience={{ .tokenAudience }}
- --token-expiration={{ .tokenExpiration | int64 }}
- --token-mount-path={{ .tokenMountPath }}
{{- with .defaultAwsRegion }}
- --aws-default-region={{ . }}
{{- end }}
{{- if .stsRegionalEndpoint }}
- --sts-regional-endpoint
{{- end }}
{{- if .watchConfigMap }}
- --watch-config-map
{{- end }}
{{- if .enforceAllowedRoles }}
- --enforce-allowed-roles
{{- end }}
{{- with .extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* What the pods of both Deployments have in common. */ -}}
{{- define "podpass.podSettings" -}}
enableServiceLinks: false
terminationGracePeriodSeconds: 30
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $security := dict "runAsNonRoot" true "seccompProfile" (dict "type" "RuntimeDefault") }}
{{- if ne .Values.platform "openshift" }}
{{- $security = mergeOverwrite $security (dict "runAsUser" 65534 "runAsGroup" 65534) }}
{{- end }}
securityContext:
  {{- toYaml (mergeOverwrite $security (deepCopy .Values.podSecurityContext)) | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "podpass.podAnnotations" -}}
{{- $annotations := deepCopy .Values.podAnnotations }}
{{- if eq .Values.platform "openshift" }}
{{- $annotations = merge $annotations (dict "openshift.io/required-scc" "restricted-v2") }}
{{- end }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "podpass.podLabels" -}}
{{ include "podpass.stableLabels" . }}
{{- with omit .context.Values.podLabels "app" "app.kubernetes.io/name" "app.kubernetes.io/component" }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "podpass.containerSettings" -}}
image: {{ include "podpass.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - name: NS
    valueFrom:
      fieldRef:
        fieldPath: metadata.namespace
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
livenessProbe:
  httpGet: {path: /healthz, port: metrics, scheme: HTTP}
readinessProbe:
  httpGet: {path: /readyz, port: metrics, scheme: HTTP}
{{- $security := dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "capabilities" (dict "drop" (list "ALL")) }}
securityContext:
  {{- toYaml (mergeOverwrite $security (deepCopy .Values.securityContext)) | nindent 2 }}
{{- end -}}
