using System.Security.Cryptography;
using System.Text;

namespace QuorumMesh.Node.Accounts;

/// <summary>Secret bytes that the collector does not move, zeroed on disposal.</summary>
public sealed class SecretBytes : IDisposable
{
    private readonly byte[] _bytes;

    public SecretBytes(int length) => _bytes = GC.AllocateArray<byte>(length, pinned: true);

    public SecretBytes(ReadOnlySpan<byte> secret)
        : this(secret.Length) => secret.CopyTo(_bytes);

    public Span<byte> Span => _bytes;

    public static SecretBytes FromText(ReadOnlySpan<char> text)
    {
        var bytes = new SecretBytes(Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, bytes._bytes);
        return bytes;
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_bytes);

    public override string ToString() => $"secret of {_bytes.Length} bytes";
}
