using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>Paths, header names and the version rule of etcd 3.3's rafthttp. Ids are lower-case hex.</summary>
internal static class RaftHttpHeaders
{
    public const string Prefix = "/raft", Probing = "/raft/probing", Snapshot = "/raft/snapshot";

    /// <summary>Ours: the applied membership, so that a member that is behind can ask who a sender is.</summary>
    public const string Members = "/raft/members";

    /// <summary>Ours: transactions of a block that came without them.</summary>
    public const string Transactions = "/raft/transactions";
    public const string MessageStream = "/raft/stream/message/", AppendStream = "/raft/stream/msgapp/";
    public const string ServerFrom = "X-Server-From", ServerVersion = "X-Server-Version", MinClusterVersion = "X-Min-Cluster-Version",
        ClusterId = "X-Etcd-Cluster-ID", RaftTo = "X-Raft-To", PeerUrls = "X-PeerURLs";

    /// <summary>Ours: what a member knows beyond etcd 3.3 as GoQuorum runs it. GoQuorum neither sends nor reads it.</summary>
    public const string Features = "X-QuorumMesh-Raft", PreVote = "prevote";

    /// <summary>
    /// Ours, of who asks for an append stream: it takes compact blocks of this form. A header of its own, for earlier builds look for a
    /// value that is <see cref="PreVote"/> alone.
    /// </summary>
    public const string Compact = "X-QuorumMesh-Raft-Compact", CompactForm = "1";
    public const string OwnVersion = "3.3.13", OwnMinClusterVersion = "3.0.0";
    public const string IncompatibleVersion = "incompatible version", ClusterIdMismatch = "cluster ID mismatch";

    public static string Id(ulong id) => id.ToString("x", CultureInfo.InvariantCulture);

    public static bool TryParseId(string? text, out ulong id)
    {
        id = 0;
        return text is { Length: > 0 and <= 16 }
            && ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out id);
    }

    public static void Fill(HttpRequestMessage request, RaftTransportOptions options, ulong? to)
    {
        request.Headers.TryAddWithoutValidation(ServerFrom, Id(options.Id));
        request.Headers.TryAddWithoutValidation(ServerVersion, OwnVersion);
        request.Headers.TryAddWithoutValidation(MinClusterVersion, OwnMinClusterVersion);
        request.Headers.TryAddWithoutValidation(ClusterId, Id(options.ClusterId));
        request.Headers.TryAddWithoutValidation(Features, PreVote);
        if (to is { } id) request.Headers.TryAddWithoutValidation(RaftTo, Id(id));
        if (options.AdvertisedUrl is { } url) request.Headers.TryAddWithoutValidation(PeerUrls, url.GetLeftPart(UriPartial.Authority));
    }

    public static bool AnnouncesPreVote(HttpResponseMessage response) =>
        response.Headers.TryGetValues(Features, out var values) && values.Contains(PreVote, StringComparer.Ordinal);

    /// <summary>The reason to refuse a request with 412, null when it is acceptable.</summary>
    public static string? Refuse(IHeaderDictionary headers, ulong clusterId)
    {
        var (remote, remoteMin) = (Version(headers[ServerVersion]), Version(headers[MinClusterVersion]));
        // etcd's checkVersionCompability: each side's version must reach the other's least one.
        if (remote.CompareTo((3, 0)) < 0 || remoteMin.CompareTo((3, 3)) > 0) return IncompatibleVersion;
        return headers[ClusterId] == Id(clusterId) ? null : ClusterIdMismatch;
    }

    private static (int Major, int Minor) Version(string? text)
    {
        var parts = (text is { Length: > 0 } ? text : "2.0.0").Split('.', 3);
        return parts.Length > 1 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var major)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var minor) ? (major, minor) : (0, 0);
    }
}
