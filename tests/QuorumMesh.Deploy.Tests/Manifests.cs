using System.Text.RegularExpressions;
using k8s;
using k8s.Models;

namespace QuorumMesh.Deploy.Tests;

/// <summary>What a values file gives, as the API's own types; unknown members are refused.</summary>
internal sealed partial class Manifests
{
    /// <summary>Kinds of custom resources, which the client has no types for.</summary>
    private static readonly string[] Custom = ["ServiceMonitor", "PrometheusRule", "HTTPRoute", "BackendTLSPolicy"];

    private Manifests(IReadOnlyList<object> objects, IReadOnlyList<string> custom) => (Objects, CustomKinds) = (objects, custom);

    public IReadOnlyList<object> Objects { get; }

    public IReadOnlyList<string> CustomKinds { get; }

    public static Manifests Of(string values) => Parse(Helm.Render(values));

    public static Manifests Parse(string yaml)
    {
        var (objects, custom) = (new List<object>(), new List<string>());
        foreach (var document in Separator().Split(yaml).Where(d => Kind().IsMatch(d)))
        {
            var kind = Kind().Match(document).Groups[1].Value;
            if (Custom.Contains(kind)) custom.Add(kind);
            else objects.AddRange(KubernetesYaml.LoadAllFromString(document, strict: true));
        }
        return new Manifests(objects, custom);
    }

    public IEnumerable<T> All<T>() => Objects.OfType<T>();

    public IEnumerable<IKubernetesObject<V1ObjectMeta>> Named => Objects.Cast<IKubernetesObject<V1ObjectMeta>>();

    /// <summary>Every pod, with the name and namespace of what makes it, and whether it runs for good.</summary>
    public IEnumerable<PodOf> Pods =>
    [
        .. All<V1StatefulSet>().Select(s => new PodOf(s.Metadata, s.Spec.Template.Metadata.Labels, s.Spec.Template.Spec, IsService: true)),
        .. All<V1Deployment>().Select(d => new PodOf(d.Metadata, d.Spec.Template.Metadata.Labels, d.Spec.Template.Spec, IsService: true)),
        .. All<V1CronJob>().Select(c => c.Spec.JobTemplate.Spec.Template is var t ? new PodOf(c.Metadata, t.Metadata.Labels, t.Spec, false)
            : null!),
        .. All<V1Job>().Select(j => new PodOf(j.Metadata, j.Spec.Template.Metadata.Labels, j.Spec.Template.Spec, IsService: false)),
        .. All<V1Pod>().Select(p => new PodOf(p.Metadata, p.Metadata.Labels, p.Spec, IsService: false)),
    ];

    public V1Container Container(string name) => Pods.SelectMany(p => p.Spec.Containers).First(c => c.Name == name);

    [GeneratedRegex(@"^---\s*$", RegexOptions.Multiline)]
    private static partial Regex Separator();

    [GeneratedRegex(@"^kind: (\w+)\s*$", RegexOptions.Multiline)]
    private static partial Regex Kind();
}

/// <param name="IsService">It runs until it is stopped.</param>
internal sealed record PodOf(V1ObjectMeta Owner, IDictionary<string, string> Labels, V1PodSpec Spec, bool IsService)
{
    public bool IsSelectedBy(V1LabelSelector selector) =>
        (selector.MatchLabels ?? new Dictionary<string, string>()).All(l => Labels.TryGetValue(l.Key, out var value) && value == l.Value);

    public override string ToString() => Owner.Name;
}
