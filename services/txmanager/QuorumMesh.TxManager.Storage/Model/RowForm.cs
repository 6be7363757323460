using QuorumMesh.Contracts.Payloads;

namespace QuorumMesh.TxManager.Storage.Model;

/// <summary>How payloads are written into rows; every form is read (tessera 3.5).</summary>
public enum RowCodec
{
    /// <summary>Tessera's LEGACY, which every Tessera reads.</summary>
    Legacy,

    /// <summary>CBOR, which Tessera reads from 22.1 on.</summary>
    Cbor,
}

/// <param name="Name">What the row's column PAYLOAD_CODEC says; null means LEGACY too.</param>
internal sealed record RowForm(string? Name)
{
    /// <summary>Of databases that were ours from the start.</summary>
    public static RowForm Own { get; } = new(PayloadContext.LegacyCodec);

    /// <summary>Of databases that were a Tessera's: its rows look so, and an older one goes on reading all of them.</summary>
    public static RowForm Tesseras { get; } = new((string?)null);

    public static RowForm Cbor { get; } = new(PayloadContext.CborCodec);

    public byte[] Encode(EncodedPayload payload) =>
        Name == PayloadContext.CborCodec ? CborPayloadCodec.Encode(payload) : LegacyPayloadCodec.Encode(payload);
}
