namespace QuorumMesh.EndToEnd.Recorded;

/// <summary>
/// The table <c>intended.txt</c>: file, method and words of each difference that is meant to be, and its reason, with bars between them. A
/// star at the end of a file or method stands for the rest of its name.
/// </summary>
internal sealed class IntendedDifferences
{
    private readonly List<Entry> _entries;

    /// <param name="isMeant">Files that are played.</param>
    public IntendedDifferences(Func<string, bool> isMeant) =>
        _entries = [.. File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Recorded", "intended.txt"))
            .Where(line => line.Length > 0 && line[0] != '#').Select(Entry.Parse)
            .Where(e => RecordedFile.Names.Any(name => isMeant(name) && e.IsOf(name)))];

    public IReadOnlyList<string> Unused => [.. _entries.Where(e => !e.IsUsed).Select(e => e.Line)];

    public bool Covers(Difference difference)
    {
        var covering = _entries.Where(e => e.Covers(difference)).ToList();
        foreach (var entry in covering) entry.IsUsed = true;
        return covering.Count > 0;
    }

    private sealed record Entry(string Line, string File, string Method, string Text)
    {
        public bool IsUsed { get; set; }

        public static Entry Parse(string line)
        {
            var parts = line.Split(" | ");
            return parts.Length == 4 && parts[3].Length > 0 ? new Entry(line, parts[0], parts[1], parts[2])
                : throw new FormatException($"intended.txt: '{line}' is not file, method, words and reason");
        }

        public bool IsOf(string file) => Matches(File, file);

        private static bool Matches(string pattern, string name) =>
            pattern.EndsWith('*') ? name.StartsWith(pattern[..^1], StringComparison.Ordinal) : name == pattern;

        public bool Covers(Difference difference) => IsOf(difference.File) && Matches(Method, difference.Method)
            && difference.Text.Contains(Text, StringComparison.Ordinal);
    }
}
