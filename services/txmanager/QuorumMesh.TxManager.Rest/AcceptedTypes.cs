namespace QuorumMesh.TxManager.Rest;

/// <summary>
/// Whether a caller takes anything that a manager answers with. Looser than Tessera, which refuses <c>/upcheck</c> as JSON: only one who
/// takes none of the manager's types at all is refused, with 406 (Tessera: 500 with the same text).
/// </summary>
internal static class AcceptedTypes
{
    private static readonly string[] Types =
    [
        "text/plain", "text/html", "application/json", "application/yaml", "application/octet-stream",
        "application/vnd.tessera-2.1+json", "application/vnd.tessera-3.0+json", "application/vnd.tessera-4.0+json",
    ];

    /// <param name="accept">The Accept header, its lines joined by commas; empty takes everything.</param>
    public static bool Include(string accept) =>
        string.IsNullOrWhiteSpace(accept) || accept.Split(',').Any(range => Matches(range.Split(';')));

    private static bool Matches(string[] parts)
    {
        var range = parts[0].Trim();
        if (range.Length == 0 || parts.Skip(1).Any(p => p.Trim() is "q=0" or "q=0.0" or "q=0.00" or "q=0.000"))
            return false;
        return range is "*/*" or "*" || Types.Any(t => range.EndsWith("/*", StringComparison.Ordinal)
            ? t.StartsWith(range[..^1], StringComparison.OrdinalIgnoreCase)
            : t.Equals(range, StringComparison.OrdinalIgnoreCase));
    }
}
