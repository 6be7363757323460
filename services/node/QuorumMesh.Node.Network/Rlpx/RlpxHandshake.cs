using System.Buffers.Binary;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Rlpx;

/// <summary>
/// One side of the RLPx encryption handshake: bytes in, bytes out. Speaks EIP-8; answers the older plain form in its own form.
/// </summary>
/// <remarks>
/// Initiator: <see cref="CreateAuth"/>, <see cref="ReadAck"/>. Responder: <see cref="ReadAuth"/>, <see cref="CreateAck"/>. Then
/// <see cref="DeriveSecrets"/>.
/// </remarks>
public sealed class RlpxHandshake(NodeKey key, HandshakeRandom random)
{
    /// <summary>Length of a plain (pre-EIP-8) auth packet.</summary>
    public const int PlainAuthSize = 194 + Ecies.Overhead;

    /// <summary>Length of a plain (pre-EIP-8) ack packet.</summary>
    public const int PlainAckSize = 97 + Ecies.Overhead;

    private const int Version = 4;

    private byte[]? _remoteId;
    private byte[]? _remoteEphemeral;
    private byte[]? _remoteNonce;
    private byte[]? _auth;
    private byte[]? _ack;
    private bool _initiator;
    private bool _plain;

    /// <summary>64 bytes; known from the start for the initiator, after <see cref="ReadAuth"/> for the responder.</summary>
    public byte[] RemoteId => _remoteId ?? throw new InvalidOperationException("The auth packet was not read yet.");

    /// <param name="plain">True writes the pre-EIP-8 form.</param>
    public byte[] CreateAuth(ReadOnlySpan<byte> remotePublic, bool plain = false)
    {
        _initiator = true;
        _plain = plain;
        _remoteId = remotePublic.ToArray();
        Span<byte> signed = stackalloc byte[32];
        if (!key.TryEcdh(remotePublic, signed))
            throw new RlpxException("The remote node id is not a valid secp256k1 public key.");
        // Static shared secret XOR nonce: the signature proves the static key as well as the ephemeral one, and binds it to this
        // handshake.
        Xor(signed, random.Nonce);
        var signature = Secp256k1.Sign(random.EphemeralKey, signed);
        _auth = Seal(remotePublic, plain ? PlainAuth(signature) : ListBody(signature, key.PublicKey, random.Nonce));
        return _auth;
    }

    /// <exception cref="RlpxException">Not for this node's key, changed, or not of the protocol's form.</exception>
    public void ReadAuth(ReadOnlySpan<byte> packet)
    {
        var body = Open(packet, PlainAuthSize);
        byte[] signature;
        if (_plain)
        {
            signature = body[..65];
            _remoteId = body[97..161];
            _remoteNonce = body[161..193];
        }
        else
        {
            (signature, _remoteId, _remoteNonce) = ReadAuthList(body);
        }
        RecoverEphemeral(signature);
        _auth = packet.ToArray();
    }

    /// <summary>The responder's packet, in the form that the initiator used.</summary>
    public byte[] CreateAck()
    {
        var ephemeral = Secp256k1.PublicKey(random.EphemeralKey);
        _ack = Seal(RemoteId, _plain ? [.. ephemeral, .. random.Nonce, 0] : ListBody(ephemeral, random.Nonce));
        return _ack;
    }

    /// <exception cref="RlpxException">Not for this node's key, changed, or not of the protocol's form.</exception>
    public void ReadAck(ReadOnlySpan<byte> packet)
    {
        var body = Open(packet, PlainAckSize);
        if (_plain)
        {
            _remoteEphemeral = body[..64];
            _remoteNonce = body[64..96];
        }
        else
        {
            (_remoteEphemeral, _remoteNonce) = ReadAckList(body);
        }
        _ack = packet.ToArray();
    }

    /// <summary>What the frames are sealed with, after both packets.</summary>
    public RlpxSecrets DeriveSecrets()
    {
        if (_remoteEphemeral is null || _remoteNonce is null || _auth is null || _ack is null)
            throw new InvalidOperationException("The handshake is not finished.");
        var (initiatorNonce, responderNonce) = _initiator ? (random.Nonce, _remoteNonce) : (_remoteNonce, random.Nonce);
        return RlpxSecrets.Derive(_initiator, random.EphemeralKey, _remoteEphemeral, initiatorNonce, responderNonce, _auth, _ack);
    }

    private void RecoverEphemeral(byte[] signature)
    {
        Span<byte> signed = stackalloc byte[32];
        if (!key.TryEcdh(RemoteId, signed))
            throw new RlpxException("The node id in the auth packet is not a valid public key.");
        Xor(signed, _remoteNonce);
        _remoteEphemeral = new byte[64];
        // The ephemeral key is not in the packet: it is what the signature recovers to.
        if (signature[64] > 3 || !Secp256k1.TryRecover(signed, signature.AsSpan(0, 64), signature[64], _remoteEphemeral))
            throw new RlpxException("The signature in the auth packet is not valid.");
    }

    private byte[] PlainAuth(byte[] signature)
    {
        var ephemeralHash = Keccak.Hash(Secp256k1.PublicKey(random.EphemeralKey)).ToArray();
        return [.. signature, .. ephemeralHash, .. key.PublicKey, .. random.Nonce, 0];
    }

    private byte[] ListBody(params ReadOnlySpan<byte[]> items)
    {
        var writer = new RlpWriter();
        int list = writer.BeginList();
        foreach (var item in items)
            writer.Write(item);
        writer.Write((ulong)Version);
        writer.EndList(list);
        return [.. writer.WrittenSpan, .. random.Padding];
    }

    private byte[] Seal(ReadOnlySpan<byte> remotePublic, byte[] body)
    {
        if (_plain)
            return Ecies.Encrypt(remotePublic, body, [], random.EciesKey, random.EciesIv);
        var prefix = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(prefix, (ushort)(body.Length + Ecies.Overhead));
        return [.. prefix, .. Ecies.Encrypt(remotePublic, body, prefix, random.EciesKey, random.EciesIv)];
    }

    /// <summary>Decrypts a packet of either form, and remembers which it was.</summary>
    private byte[] Open(ReadOnlySpan<byte> packet, int plainSize)
    {
        if (packet.Length == plainSize && Ecies.TryDecrypt(key, packet, [], out var plainBody))
        {
            _plain = true;
            return plainBody;
        }
        _plain = false;
        if (packet.Length > 2 && BinaryPrimitives.ReadUInt16BigEndian(packet) == packet.Length - 2
            && Ecies.TryDecrypt(key, packet[2..], packet[..2], out var body))
            return body;
        throw new RlpxException("The handshake packet cannot be decrypted with this node's key.");
    }

    private static (byte[] Signature, byte[] Id, byte[] Nonce) ReadAuthList(byte[] body)
    {
        try
        {
            var list = new RlpReader(body).ReadList();
            return (list.ReadBytes(65).ToArray(), list.ReadBytes(64).ToArray(), list.ReadBytes(32).ToArray());
        }
        catch (FormatException e)
        {
            throw new RlpxException("Malformed auth packet: " + e.Message);
        }
    }

    private static (byte[] Ephemeral, byte[] Nonce) ReadAckList(byte[] body)
    {
        try
        {
            var list = new RlpReader(body).ReadList();
            return (list.ReadBytes(64).ToArray(), list.ReadBytes(32).ToArray());
        }
        catch (FormatException e)
        {
            throw new RlpxException("Malformed ack packet: " + e.Message);
        }
    }

    private static void Xor(Span<byte> data, ReadOnlySpan<byte> mask)
    {
        for (int i = 0; i < data.Length; i++)
            data[i] ^= mask[i];
    }
}
