{{- define "qm.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "qm.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "qm.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "qm.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that pods are selected by. Takes (dict "root" $ "component" "node" "group" "rpc"). */}}
{{- define "qm.selector" -}}
app.kubernetes.io/name: {{ include "qm.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- with .group }}
quorummesh.io/group: {{ . }}
{{- end }}
{{- end -}}

{{- define "qm.labels" -}}
{{ include "qm.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: quorummesh
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Takes (dict "root" $ "program" "node"). */}}
{{- define "qm.image" -}}
{{- $image := .root.Values.image -}}
{{- $tag := index $image.tags .program | default $image.tag | default .root.Chart.AppVersion -}}
{{- $name := index $image.names .program -}}
{{- with $image.registry }}{{ . }}/{{ end }}{{ $name }}{{ if contains "sha256:" $tag }}@{{ else }}:{{ end }}{{ $tag }}
{{- end -}}

{{/* A group of nodes with what nodeDefaults gives it. Takes (dict "root" $ "name" "rpc"); gives YAML. */}}
{{- define "qm.group" -}}
{{- $group := get .root.Values.nodes .name | default dict -}}
{{- mergeOverwrite (deepCopy .root.Values.nodeDefaults) $group | toYaml -}}
{{- end -}}

{{/* The names of all groups, as JSON. Values cannot take a default group away, so it is none of theirs. */}}
{{- define "qm.groups" -}}
{{- if .Values.nodes }}{{ keys .Values.nodes | sortAlpha | toJson }}{{ else }}["member"]{{ end -}}
{{- end -}}

{{/* The group that a feature names, or the only one. Takes (dict "root" $ "name" … "feature" …). */}}
{{- define "qm.groupName" -}}
{{- $groups := include "qm.groups" .root | fromJsonArray -}}
{{- if .name -}}
{{- if not (has .name $groups) }}{{ fail (printf "%s.group: there is no group '%s' in nodes" .feature .name) }}{{ end -}}
{{- .name -}}
{{- else if eq (len $groups) 1 -}}
{{- first $groups -}}
{{- else -}}
{{- fail (printf "%s.group: say which of %s is meant" .feature (join ", " $groups)) -}}
{{- end -}}
{{- end -}}

{{- define "qm.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .Values.user.uid }}
runAsGroup: {{ .Values.user.gid }}
fsGroup: {{ .Values.user.gid }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "qm.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* What all pods share. Takes (dict "root" $ "part" values "component" … "group" …). */}}
{{- define "qm.podSettings" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "qm.podSecurity" .root | nindent 2 }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ .part.terminationGracePeriodSeconds }}
{{- with .part.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .part.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .part.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "qm.selector" $ | nindent 8 }}
  {{- end }}
{{- end -}}

{{/* Startup asks for life alone, so that a long start is not cut off; readiness asks whether the work can be done. Takes (dict "seconds" N). */}}
{{- define "qm.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: health}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: {{ div .seconds 5 | max 1 }}
readinessProbe:
  httpGet: {path: /readyz, port: health}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /livez, port: health}
  periodSeconds: 20
  timeoutSeconds: 10
  failureThreshold: 6
{{- end -}}

{{/* Balancers stop sending before the process is told to end. The images have no shell: a sleep is the kubelet's own, from 1.30 on. */}}
{{- define "qm.drain" -}}
{{- if and .seconds (semverCompare ">=1.30-0" .root.Capabilities.KubeVersion.Version) -}}
lifecycle:
  preStop:
    sleep: {seconds: {{ .seconds }}}
{{- end -}}
{{- end -}}

{{- define "qm.environment" -}}
- name: DOTNET_EnableDiagnostics
  value: "0"
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- with .root.Values.tracing.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
- name: OTEL_EXPORTER_OTLP_PROTOCOL
  value: {{ $.root.Values.tracing.protocol | quote }}
{{- end }}
{{- with .part.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "qm.serviceAccount" -}}
{{- default (include "qm.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "qm.enclaveServiceAccount" -}}
{{- default (printf "%s-enclave" (include "qm.fullname" .)) .Values.serviceAccount.enclaveName -}}
{{- end -}}

{{- define "qm.networkConfigMap" -}}
{{- default (printf "%s-network" (include "qm.fullname" .)) .Values.network.existingConfigMap -}}
{{- end -}}

{{- define "qm.enclaveNamespace" -}}
{{- default .Release.Namespace .Values.enclave.namespace -}}
{{- end -}}

{{- define "qm.managerHost" -}}
{{- printf "%s-manager.%s.svc.%s" (include "qm.fullname" .) .Release.Namespace .Values.clusterDomain -}}
{{- end -}}

{{- define "qm.enclaveHost" -}}
{{- printf "%s-enclave.%s.svc.%s" (include "qm.fullname" .) (include "qm.enclaveNamespace" .) .Values.clusterDomain -}}
{{- end -}}

{{/* The pinned certificates of a link: its own pair, and the others' certificates. */}}
{{- define "qm.linkVolumes" -}}
- name: link
  secret:
    secretName: {{ required (printf "links.%s.existingSecret: the secret with tls.crt and tls.key of the %s" .side .side) (index .root.Values.links .side).existingSecret }}
    defaultMode: 0440
- name: peers
  configMap:
    name: {{ required "links.certificates.existingConfigMap: the config map with node.crt, manager.crt and enclave.crt" .root.Values.links.certificates.existingConfigMap }}
    defaultMode: 0444
{{- end -}}

{{- define "qm.linkMounts" -}}
- {name: link, mountPath: /tls/link, readOnly: true}
- {name: peers, mountPath: /tls/peers, readOnly: true}
{{- end -}}

{{- define "qm.disruptionApi" -}}
{{- ternary "policy/v1" "policy/v1beta1" (semverCompare ">=1.21-0" .Capabilities.KubeVersion.Version) -}}
{{- end -}}

{{- define "qm.cronApi" -}}
{{- ternary "batch/v1" "batch/v1beta1" (semverCompare ">=1.21-0" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
