using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>A contract extension as this participant's private state knows it.</summary>
/// <param name="Management">Its management contract.</param>
/// <param name="Contract">What is extended.</param>
/// <param name="Initiator">The account that began it.</param>
/// <param name="Recipient">The account that votes for the new party.</param>
/// <param name="RecipientKey">Of the new party's manager, base64 as it was given.</param>
/// <param name="Creation">Data of the transaction that began it: the hash of its payload.</param>
/// <param name="Begun">Its block.</param>
public sealed record ContractExtension(
    Address Management, Address Contract, Address Initiator, Address Recipient, string RecipientKey, byte[] Creation, ulong Begun)
{
    /// <summary>The block of the last yes; 0 before it.</summary>
    public ulong Accepted { get; init; }

    /// <summary>The block of its end, by a share, a no or a cancellation; 0 before it.</summary>
    public ulong Finished { get; init; }

    /// <summary>Of the payload with the state, base64; empty while none was shared.</summary>
    public string Identifier { get; init; } = "";

    /// <summary>Why this participant did not take the state that was shared with it; empty when there is nothing to say.</summary>
    public string Refusal { get; init; } = "";

    /// <summary>It goes on.</summary>
    public bool IsActive => Finished == 0;

    /// <summary>All have voted yes and the state is not shared yet: what changes it now may be missing at the new party.</summary>
    public bool IsMoving => IsActive && Accepted > 0;

    /// <summary>The payload of the transaction that began it; null when its data is no hash.</summary>
    public PayloadHash? CreationPayload => PayloadNames.Crop(Creation);
}
