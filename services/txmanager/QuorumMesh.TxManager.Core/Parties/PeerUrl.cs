using System.Net;

namespace QuorumMesh.TxManager.Core.Parties;

/// <summary>URLs of managers, compared after an empty path became "/" (tessera 2.2).</summary>
public static class PeerUrl
{
    /// <returns>Null for anything but an absolute http or https URL.</returns>
    public static string? Normalize(string url)
    {
        // User and password in a URL would be logged, and told to every peer in our party info.
        if (url.Length > Contracts.Parties.PartyInfoCodec.MaxUrl || !Uri.TryCreate(url, UriKind.Absolute, out var uri)
            || uri.Scheme is not ("http" or "https") || uri.UserInfo.Length > 0)
            return null;
        var path = uri.AbsolutePath.EndsWith('/') ? uri.AbsolutePath : uri.AbsolutePath + "/";
        return $"{uri.Scheme}://{uri.Authority}{path}";
    }

    /// <summary>
    /// A URL as it is spelled, with "/" where it has no path: with discovery off a Tessera compares the text (tessera 2.2).
    /// </summary>
    /// <param name="url">One that <see cref="Normalize"/> takes.</param>
    public static string Spelled(string url)
    {
        var text = url.Trim();
        var afterHost = text.IndexOf('/', text.IndexOf("://", StringComparison.Ordinal) + 3);
        return afterHost < 0 ? text + "/" : text;
    }

    /// <summary>Whether a normalised URL names this machine, or one on its own wire (169.254.0.0/16, fe80::/10), by its address.</summary>
    public static bool IsLocal(string url)
    {
        var uri = new Uri(url);
        return uri.IsLoopback || (IPAddress.TryParse(uri.DnsSafeHost, out var address) && IsLocal(address));
    }

    /// <summary>The same for an address.</summary>
    public static bool IsLocal(IPAddress address)
    {
        // ::ffff:127.0.0.1 is this machine too.
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        var bytes = plain.GetAddressBytes();
        return IPAddress.IsLoopback(plain) || plain.IsIPv6LinkLocal || plain.Equals(IPAddress.Any) || plain.Equals(IPAddress.IPv6Any)
            // 169.254.169.254 is where clouds hand a machine its credentials: no stranger may have us call it.
            || (bytes.Length == 4 && bytes[0] == 169 && bytes[1] == 254);
    }
}
