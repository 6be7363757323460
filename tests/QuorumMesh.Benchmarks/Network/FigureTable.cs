namespace QuorumMesh.Benchmarks.Network;

/// <summary>Figures of several builds over several runs, printed as a table of medians in the order in which rows first came.</summary>
internal sealed class FigureTable
{
    private readonly List<string> _rows = [];
    private readonly Dictionary<(string Row, string Column), List<double>> _figures = [];

    public void Add(string column, string row, double figure)
    {
        if (!_rows.Contains(row)) _rows.Add(row);
        if (!_figures.TryGetValue((row, column), out var of)) _figures[(row, column)] = of = [];
        of.Add(figure);
    }

    /// <summary>The last column against each of the others follows.</summary>
    public void Print(string title, IReadOnlyList<string> columns)
    {
        Console.WriteLine();
        Console.WriteLine(string.Join(" | ", columns.Prepend(title).Concat(columns.SkipLast(1).Select(c => $"{columns[^1]} / {c}"))));
        foreach (var row in _rows)
        {
            var medians = columns.Select(c => _figures.TryGetValue((row, c), out var of) ? Median([.. of]) : double.NaN).ToList();
            Console.WriteLine(string.Join(" | ", medians.Select(m => $"{m:0.##}").Prepend(row)
                .Concat(medians.SkipLast(1).Select(m => $"{medians[^1] / m:0.00}"))));
        }
    }

    /// <summary>Sorts the values.</summary>
    public static double Median(double[] values)
    {
        Array.Sort(values);
        return values.Length % 2 == 1 ? values[values.Length / 2] : (values[(values.Length / 2) - 1] + values[values.Length / 2]) / 2;
    }
}
