using System.Security.Cryptography;
using QuorumMesh.Files;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>The node key from its file (64 hex digits, as geth writes it); made on the first start. The key stays in a pinned buffer.</summary>
public sealed class NodeKey : INodeSigner, IDisposable
{
    private readonly byte[] _key = GC.AllocateArray<byte>(32, pinned: true);

    private NodeKey(ReadOnlySpan<byte> key)
    {
        key.CopyTo(_key);
        PublicKey = Secp256k1.PublicKey(_key);
        Address = Secp256k1.AddressOf(PublicKey);
    }

    public byte[] PublicKey { get; }

    public Address Address { get; }

    /// <summary>For the p2p handshake, which needs the key itself.</summary>
    public byte[] PrivateKey => _key;

    public byte[] Sign(in Hash256 hash)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size];
        hash.CopyTo(bytes);
        return Secp256k1.Sign(_key, bytes);
    }

    public static NodeKey LoadOrCreate(string path)
    {
        if (!File.Exists(path)) Create(path);
        var text = File.ReadAllBytes(path);
        Span<byte> key = stackalloc byte[32];
        try
        {
            if (Convert.FromHexString(System.Text.Encoding.ASCII.GetString(text).Trim()) is not { Length: 32 } parsed || !Secp256k1.IsValidPrivateKey(parsed))
                throw new FormatException("not a private key");
            parsed.CopyTo(key);
            CryptographicOperations.ZeroMemory(parsed);
            return new NodeKey(key);
        }
        catch (FormatException)
        {
            throw new OptionsException("--nodekey", $"{path} does not hold a node key (64 hex digits): restore the file, or remove it to get a new identity");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
            CryptographicOperations.ZeroMemory(key);
        }
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_key);

    private static void Create(string path)
    {
        var key = new byte[32];
        do RandomNumberGenerator.Fill(key);
        while (!Secp256k1.IsValidPrivateKey(key));
        // Whole and flushed before anybody knows the node by it.
        DurableFile.WriteNew(path, System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(key)), DurableFile.OwnerOnly);
        CryptographicOperations.ZeroMemory(key);
    }
}
