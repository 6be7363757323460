using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>A node's URL: <c>enode://ID@HOST:TCP[?discport=UDP][&amp;raftport=PORT]</c> (2.5:p2p/enode/urlv4.go).</summary>
public sealed record Enode
{
    private const string Scheme = "enode://";

    /// <param name="nodeId">Public key, 128 hex digits.</param>
    /// <param name="host">IPv4 or IPv6 address, or a host name (only with a Raft port).</param>
    /// <param name="raftPort">0 when the URL has none.</param>
    /// <param name="discPort">UDP port; null: the same as <paramref name="port"/>; 0: no discovery.</param>
    /// <exception cref="FormatException">A part is out of its range.</exception>
    public Enode(string nodeId, string host, int port, int raftPort = 0, int? discPort = null)
    {
        NodeId = NormalizeId(nodeId);
        Host = CheckHost(host, raftPort);
        Port = CheckPort(port, "tcp port");
        RaftPort = CheckPort(raftPort, "raftport");
        DiscPort = discPort is { } udp && udp != port ? CheckPort(udp, "discport") : null;
    }

    /// <summary>128 lower-case hex digits: the public key X‖Y.</summary>
    public string NodeId { get; }

    /// <summary>Address or name, IPv6 without brackets.</summary>
    public string Host { get; }

    /// <summary>TCP port of devp2p.</summary>
    public int Port { get; }

    /// <summary>0 when absent.</summary>
    public int RaftPort { get; }

    /// <summary>Null when the same as <see cref="Port"/>.</summary>
    public int? DiscPort { get; }

    public byte[] PublicKey => Hex.FromHex(NodeId);

    /// <summary>keccak256 of the public key: the id discovery and permissioning use.</summary>
    public Hash256 Id => Keccak.Hash(PublicKey);

    /// <exception cref="FormatException">Says which part of the URL is wrong.</exception>
    public static Enode Parse(string url)
    {
        if (url is null || !url.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            throw Bad(url, "it does not start with enode://");
        if (url.Length > 1024)
            throw Bad(null, "it is longer than 1024 characters");
        var rest = url.AsSpan(Scheme.Length);
        int question = rest.IndexOf('?');
        string query = question < 0 ? "" : rest[(question + 1)..].ToString();
        if (question >= 0)
            rest = rest[..question];
        int at = rest.IndexOf('@');
        if (at < 0)
            throw Bad(url, "it has no @host:port after the node id");
        var (discPort, raftPort) = ParseQuery(url, query);
        var (host, port) = ParseEndpoint(url, rest[(at + 1)..].TrimEnd('/').ToString());
        return new Enode(rest[..at].ToString(), host, port, raftPort ?? 0, discPort);
    }

    /// <summary>Reads an enode URL; false when it is not one.</summary>
    public static bool TryParse(string? url, [NotNullWhen(true)] out Enode? enode)
    {
        try
        {
            enode = Parse(url!);
            return true;
        }
        catch (FormatException)
        {
            enode = null;
            return false;
        }
    }

    public Enode WithAddress(string host, int port) => new(NodeId, host, port, RaftPort, DiscPort);

    public override string ToString()
    {
        var host = Host.Contains(':') ? $"[{Host}]" : Host;
        var query = (DiscPort, RaftPort) switch
        {
            (null, 0) => "",
            (null, var raft) => $"?raftport={raft}",
            (var disc, 0) => $"?discport={disc}",
            var (disc, raft) => $"?discport={disc}&raftport={raft}",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{Scheme}{NodeId}@{host}:{Port}{query}");
    }

    /// <summary>Lower-case form of a 128-digit node id, with or without 0x.</summary>
    /// <exception cref="FormatException">Not 64 bytes of hex.</exception>
    public static string NormalizeId(string nodeId)
    {
        var digits = nodeId.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? nodeId[2..] : nodeId;
        if (digits.Length != 128 || !digits.All(char.IsAsciiHexDigit))
            throw new FormatException($"Node id must be 128 hex digits, but has {digits.Length} characters or others than hex digits.");
        return digits.ToLowerInvariant();
    }

    private static (string Host, int Port) ParseEndpoint(string url, string endpoint)
    {
        int colon = endpoint.LastIndexOf(':');
        if (colon <= 0)
            throw Bad(url, "it has no port");
        var host = endpoint[..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
            host = host[1..^1];
        else if (host.Contains(':'))
            throw Bad(url, "an IPv6 address must be in brackets");
        return (host, ParsePort(url, endpoint[(colon + 1)..], "port"));
    }

    private static (int? Disc, int? Raft) ParseQuery(string url, string query)
    {
        int? disc = null, raft = null;
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            if (pair.StartsWith("discport=", StringComparison.Ordinal))
                disc = ParsePort(url, pair["discport=".Length..], "discport");
            else if (pair.StartsWith("raftport=", StringComparison.Ordinal))
                raft = ParsePort(url, pair["raftport=".Length..], "raftport");
        }
        return (disc, raft);
    }

    private static int ParsePort(string url, string text, string name) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) ? port
            : throw Bad(url, $"its {name} is not a number from 0 to 65535");

    private static int CheckPort(int port, string name) =>
        port is >= 0 and <= 65535 ? port : throw new FormatException($"Enode {name} {port} is not from 0 to 65535.");

    private static string CheckHost(string host, int raftPort)
    {
        if (IPAddress.TryParse(host, out var address)
            && (address.AddressFamily == AddressFamily.InterNetworkV6 || host.Count(c => c == '.') == 3))
            return address.ToString();
        if (Uri.CheckHostName(host) != UriHostNameType.Dns)
            throw new FormatException($"Enode host '{host}' is neither an IP address nor a host name.");
        if (raftPort == 0)
            throw new FormatException($"Enode host '{host}' is a name: names are accepted only together with raftport, use an IP address.");
        return host;
    }

    private static FormatException Bad(string? url, string why) => new($"Invalid enode URL{(url is null ? "" : $" '{url}'")}: {why}.");
}
