using Microsoft.IdentityModel.Tokens;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Rpc.Access;

/// <summary>A JSON Web Key Set in a file, read anew when it changes.</summary>
public sealed class TokenKeyFile : ITokenKeys
{
    private readonly WatchedFiles<IReadOnlyList<SecurityKey>> _file;

    /// <exception cref="TlsSetupException">The file cannot be read, or holds no such keys.</exception>
    public TokenKeyFile(string setting, string path, TlsMaterials watcher) => _file = watcher.Files(setting, [path], contents =>
    {
        try
        {
            return TokenKeyList.Read(contents[0]);
        }
        catch (FormatException e)
        {
            throw new TlsSetupException(setting, $"'{path}' {e.Message}", e);
        }
    });

    /// <inheritdoc/>
    public IReadOnlyList<SecurityKey> Current => _file.Current;

    /// <inheritdoc/>
    public ValueTask RenewAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public void Dispose()
    {
    }
}
