using System.Globalization;
using System.Text;

namespace QuorumMesh.ServiceDefaults.Metrics;

/// <summary>One instrument with one set of labels.</summary>
internal sealed class MetricSeries(string labels, double[]? bounds)
{
    private readonly long[] _buckets = new long[bounds is null ? 0 : bounds.Length + 1];
    private readonly Lock _lock = new();
    private double _value;
    private long _count;

    public void Add(double delta)
    {
        lock (_lock)
            _value += delta;
    }

    public void Set(double value)
    {
        lock (_lock)
            _value = value;
    }

    public void Observe(double value)
    {
        var bucket = Array.BinarySearch(bounds!, value);
        lock (_lock)
        {
            _buckets[bucket < 0 ? ~bucket : bucket]++;
            _value += value;
            _count++;
        }
    }

    public void Write(StringBuilder text, string name)
    {
        lock (_lock)
        {
            if (bounds is null)
            {
                Line(text, name, labels, null, _value);
                return;
            }

            long total = 0;
            for (var i = 0; i < _buckets.Length; i++)
            {
                total += _buckets[i];
                Line(text, name + "_bucket", labels, i < bounds.Length ? Number(bounds[i]) : "+Inf", total);
            }

            Line(text, name + "_sum", labels, null, _value);
            Line(text, name + "_count", labels, null, _count);
        }
    }

    public static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : value.ToString("R", CultureInfo.InvariantCulture);

    private static void Line(StringBuilder text, string name, string labels, string? le, double value)
    {
        text.Append(name);
        if (labels.Length > 0 || le is not null)
        {
            text.Append('{').Append(labels);
            if (le is not null)
                text.Append(labels.Length > 0 ? "," : "").Append("le=\"").Append(le).Append('"');
            text.Append('}');
        }

        text.Append(' ').Append(Number(value)).Append('\n');
    }
}
