using System.Text;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys.Vault;

namespace QuorumMesh.Enclave.Keys;

/// <summary>Reads single secrets from files and environment variables into locked memory, without the white space around them.</summary>
/// <param name="environment">The value of a variable, null where it is not set.</param>
internal sealed class SecretReader(Func<string, string?> environment)
{
    /// <summary>Null for a variable that is not set or empty.</summary>
    /// <exception cref="KeyException">A file that is named and cannot be read.</exception>
    public SecretBuffer? Optional(SecretPlace place)
    {
        if (place.File is { } path)
        {
            using var text = SecretFile.Read(path, path);
            return SecretBuffer.CopyOf(SecretText.Trim(text.Span));
        }

        return place.Variable is { } name && environment(name) is { Length: > 0 } value
            ? SecretBuffer.CopyOf(SecretText.Trim(Encoding.UTF8.GetBytes(value)))
            : null;
    }

    /// <exception cref="KeyException">Absent or empty.</exception>
    public SecretBuffer Required(string setting, SecretPlace place)
    {
        var secret = Optional(place) ?? throw new KeyException(setting, $"there is no secret in {place}");
        if (secret.Length > 0)
            return secret;
        secret.Dispose();
        throw new KeyException(setting, $"the secret in {place} is empty");
    }
}
