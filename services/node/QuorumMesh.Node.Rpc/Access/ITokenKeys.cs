using Microsoft.IdentityModel.Tokens;

namespace QuorumMesh.Node.Rpc.Access;

/// <summary>The public keys of who issues tokens: a file or a URL.</summary>
public interface ITokenKeys : IDisposable
{
    /// <summary>A new list when they have changed. Empty when none could be had so far.</summary>
    IReadOnlyList<SecurityKey> Current { get; }

    /// <summary>A token named a key that is not among them: there may be newer ones. Waits for them within reason.</summary>
    ValueTask RenewAsync(CancellationToken cancellation);
}
