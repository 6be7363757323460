using System.Text.Json;
using System.Text.RegularExpressions;

namespace QuorumMesh.Deploy.Tests;

/// <summary>Dashboards and alerts name what the services export, and every alert says what to do.</summary>
public sealed partial class MonitoringTests
{
    private static readonly Lazy<HashSet<string>> Exported = new(() =>
    [
        .. Directory.EnumerateFiles(RepositoryFiles.At("services"), "*.cs", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(RepositoryFiles.At("shared"), "*.cs", SearchOption.AllDirectories))
            .SelectMany(file => Literal().Matches(File.ReadAllText(file)).Select(m => m.Groups[1].Value)),
    ]);

    private static string Rules => RepositoryFiles.Read("helm/quorummesh/rules/alerts.yaml");

    [Fact]
    public void Every_metric_of_a_dashboard_is_exported()
    {
        foreach (var file in Directory.GetFiles(RepositoryFiles.At("helm/quorummesh/dashboards"), "*.json"))
        {
            using var dashboard = JsonDocument.Parse(File.ReadAllText(file));
            var panels = dashboard.RootElement.GetProperty("panels").EnumerateArray()
                .Where(p => p.TryGetProperty("targets", out _)).ToList();
            Assert.NotEmpty(panels);
            foreach (var expression in panels.SelectMany(p => p.GetProperty("targets").EnumerateArray())
                .Select(t => t.GetProperty("expr").GetString()!))
                AssertExported(expression);
        }
    }

    [Fact]
    public void Every_metric_of_an_alert_is_exported()
    {
        var expressions = Expression().Matches(Rules).Select(m => m.Groups[1].Value).ToList();
        Assert.Equal(Alert().Count(Rules), expressions.Count);
        Assert.All(expressions.Where(e => !e.Contains("up{", StringComparison.Ordinal)), AssertExported);
    }

    [Fact]
    public void Every_alert_has_its_entry_in_the_runbooks()
    {
        var headings = RepositoryFiles.Read("docs/runbooks.md").Split('\n').Where(l => l.StartsWith("### ", StringComparison.Ordinal))
            .Select(l => l[4..].Trim()).ToList();
        var alerts = Alert().Matches(Rules).Select(m => m.Groups[1].Value).ToList();
        Assert.NotEmpty(alerts);
        Assert.Empty(alerts.Except(headings));
        Assert.All(alerts, alert => Assert.Contains($"RUNBOOKS#{alert.ToLowerInvariant()}\n", Rules, StringComparison.Ordinal));
    }

    private static void AssertExported(string expression)
    {
        var names = Name().Matches(expression).Select(m => m.Value).ToList();
        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.True(
            Exported.Value.Contains(name) || Exported.Value.Contains(Suffix().Replace(name, "")), $"{name} is exported nowhere"));
    }

    [GeneratedRegex("\"([a-z0-9]+(?:_[a-z0-9]+)+)\"")]
    private static partial Regex Literal();

    [GeneratedRegex(@"\b(?:quorummesh|chain|txpool|p2p|rpc|process|dotnet)_[a-z0-9_]+\b")]
    private static partial Regex Name();

    [GeneratedRegex("_(?:bucket|count|sum)$")]
    private static partial Regex Suffix();

    [GeneratedRegex(@"^ +- alert: (\w+)$", RegexOptions.Multiline)]
    private static partial Regex Alert();

    [GeneratedRegex(@"^ +expr: (?:>-\n)?(.+?)(?=^ +(?:for|labels):)", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Expression();
}
