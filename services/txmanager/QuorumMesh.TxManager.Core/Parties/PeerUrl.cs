namespace QuorumMesh.TxManager.Core;

/// <summary>URLs of managers, compared after an empty path became "/" (tessera 2.2).</summary>
public static class PeerUrl
{
    /// <returns>Null for anything but an absolute http or https URL.</returns>
    public static string? Normalize(string url)
    {
        if (url.Length > Contracts.Parties.PartyInfoCodec.MaxUrl || !Uri.TryCreate(url, UriKind.Absolute, out Uri? uri)
            || uri.Scheme is not ("http" or "https") || uri.UserInfo.Length > 0)
        {
            return null;
        }

        string path = uri.AbsolutePath.EndsWith('/') ? uri.AbsolutePath : uri.AbsolutePath + "/";
        return $"{uri.Scheme}://{uri.Authority}{path}";
    }
}
