using System.Diagnostics.Metrics;
using QuorumMesh.ServiceDefaults.Metrics;

namespace QuorumMesh.ServiceDefaults.Tests;

public class PrometheusCollectorTests
{
    [Fact]
    public void Names_come_out_exactly_as_given()
    {
        using var meter = new Meter("QuorumMesh.Tests.Names");
        using var other = new Meter("Someone.Else");
        using var collector = new PrometheusCollector([]);
        meter.CreateObservableGauge("chain_head_block", () => 42L, "{block}", "Head of the chain.");
        meter.CreateCounter<long>("quorummesh_node_things").Add(3);
        meter.CreateCounter<long>("p2p/ingress").Add(1);
        meter.CreateUpDownCounter<int>("quorummesh_open").Add(-2);
        other.CreateCounter<long>("not_ours").Add(1);
        var lines = Lines(collector);
        Assert.Contains("# HELP chain_head_block Head of the chain.", lines);
        Assert.Contains("# TYPE chain_head_block gauge", lines);
        Assert.Contains("chain_head_block 42", lines);
        Assert.Contains("# TYPE quorummesh_node_things counter", lines);
        Assert.Contains("quorummesh_node_things 3", lines);
        Assert.Contains("p2p_ingress 1", lines);
        Assert.Contains("# TYPE quorummesh_open gauge", lines);
        Assert.Contains("quorummesh_open -2", lines);
        Assert.DoesNotContain(lines, l => l.Contains("not_ours"));
        Assert.Contains(lines, l => l.StartsWith("process_resident_memory_bytes ", StringComparison.Ordinal));
    }

    [Fact]
    public void Labels_are_escaped_and_histograms_cumulative()
    {
        using var meter = new Meter("QuorumMesh.Tests.Histograms");
        using var collector = new PrometheusCollector([]);
        meter.CreateCounter<long>("labelled").Add(1, new KeyValuePair<string, object?>("path", "a\"b\\c\nd"));
        var histogram = meter.CreateHistogram("seconds", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] });
        histogram.Record(0.05);
        histogram.Record(0.1);
        histogram.Record(0.5);
        histogram.Record(7);
        var lines = Lines(collector);
        Assert.Contains("""labelled{path="a\"b\\c\nd"} 1""", lines);
        Assert.Contains("""seconds_bucket{le="0.1"} 2""", lines);
        Assert.Contains("""seconds_bucket{le="1"} 3""", lines);
        Assert.Contains("""seconds_bucket{le="+Inf"} 4""", lines);
        Assert.Contains("seconds_count 4", lines);
        Assert.Contains("seconds_sum 7.65", lines);
    }

    [Fact]
    public void Series_are_bounded_and_a_failing_gauge_hides_no_other()
    {
        using var meter = new Meter("QuorumMesh.Tests.Bounds");
        using var collector = new PrometheusCollector([]);
        var counter = meter.CreateCounter<long>("many");
        for (var i = 0; i < 3000; i++)
            counter.Add(1, new KeyValuePair<string, object?>("i", i));
        meter.CreateObservableGauge("broken", new Func<long>(() => throw new InvalidOperationException()));
        meter.CreateObservableGauge("whole", () => 1L);
        var lines = Lines(collector);
        Assert.Equal(1000, lines.Count(l => l.StartsWith("many{", StringComparison.Ordinal)));
        Assert.Contains("whole 1", lines);
    }

    private static string[] Lines(PrometheusCollector collector) => collector.Write().Split('\n');
}
