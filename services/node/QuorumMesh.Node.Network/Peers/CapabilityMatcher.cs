namespace QuorumMesh.Node.Network.Peers;

/// <summary>A sub-protocol both sides speak, and the first message code of its space.</summary>
public sealed record MatchedProtocol(SubProtocol Protocol, int Offset);

/// <summary>
/// devp2p's rule for sharing the message codes: per name the highest common version, sorted by name, one behind the other from
/// 0x10.
/// </summary>
public static class CapabilityMatcher
{
    /// <summary>Message codes 0x00-0x0f belong to the base protocol.</summary>
    public const int BaseLength = 16;

    /// <summary>Both sides compute it alone and must come to the same: nothing more is said about codes on the wire.</summary>
    public static IReadOnlyList<MatchedProtocol> Match(IReadOnlyList<SubProtocol> own, IReadOnlyList<Capability> remote)
    {
        var common = own
            .Where(protocol => remote.Contains(protocol.Capability))
            .GroupBy(protocol => protocol.Name, StringComparer.Ordinal)
            .Select(versions => versions.MaxBy(protocol => protocol.Version)!)
            .OrderBy(protocol => protocol.Name, StringComparer.Ordinal);
        var matched = new List<MatchedProtocol>();
        int offset = BaseLength;
        foreach (var protocol in common)
        {
            matched.Add(new MatchedProtocol(protocol, offset));
            offset += protocol.Length;
        }
        return matched;
    }

    /// <summary>The protocol a message code belongs to, or null.</summary>
    public static MatchedProtocol? Find(IReadOnlyList<MatchedProtocol> matched, int code)
    {
        foreach (var match in matched)
            if (code >= match.Offset && code < match.Offset + match.Protocol.Length)
                return match;
        return null;
    }
}
