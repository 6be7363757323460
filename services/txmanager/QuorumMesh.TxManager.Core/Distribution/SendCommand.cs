using System.Security.Cryptography;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>What every way to send asks of privacy (tessera 1.2).</summary>
public sealed record PrivacyOptions(PrivacyMode Mode = PrivacyMode.StandardPrivate)
{
    /// <summary>Affected transactions that one may name.</summary>
    public const int MaxAffected = 1000;

    /// <summary>Bytes of an execution hash: it is a text of the node's, not read here.</summary>
    public const int MaxExecutionHash = 1024;

    /// <summary>Standard private, no group.</summary>
    public static PrivacyOptions Standard { get; } = new();

    /// <summary>The creations of the contracts that the transaction touches.</summary>
    public IReadOnlyList<PayloadHash> Affected { get; init; } = [];

    /// <summary>The text that the node gave, in UTF-8; with private state validation and nothing else.</summary>
    public byte[] ExecutionHash { get; init; } = [];

    /// <summary>With mandatory recipients and nothing else.</summary>
    public IReadOnlyList<PublicKey> Mandatory { get; init; } = [];

    /// <summary>The id of the privacy group whose members are the recipients; null for none.</summary>
    public byte[]? GroupId { get; init; }

    /// <summary>Nothing beyond a standard private transaction without affected ones.</summary>
    internal bool IsPlain => Mode == PrivacyMode.StandardPrivate && Affected.Count == 0;

    /// <summary>Whether what is asked for fits together and is offered.</summary>
    /// <exception cref="PrivacyException">
    /// <see cref="Failure.BadRequest"/>; <see cref="Failure.Forbidden"/> with the feature off.
    /// </exception>
    /// <param name="isEnhanced">See <see cref="PayloadSender"/>.</param>
    internal void Require(bool isEnhanced)
    {
        if ((Mode == PrivacyMode.PrivateStateValidation) != ExecutionHash.Length > 0)
            throw new PrivacyException(Failure.BadRequest, "execHash: is required with privacyFlag 3 and allowed only with it");
        if ((Mode == PrivacyMode.MandatoryRecipients) != Mandatory.Count > 0)
            throw new PrivacyException(Failure.BadRequest, "mandatoryRecipients: is required with privacyFlag 2 and allowed only with it");
        if (Affected.Count > MaxAffected)
            throw new PrivacyException(Failure.BadRequest, $"affectedContractTransactions: at most {MaxAffected}, not {Affected.Count}");
        if (ExecutionHash.Length > MaxExecutionHash)
            throw new PrivacyException(Failure.BadRequest, $"execHash: at most {MaxExecutionHash} bytes, not {ExecutionHash.Length}");
        if (!isEnhanced && !IsPlain)
            throw PrivacyException.EnhancedPrivacy();
    }

    /// <summary>A sealed payload with what is promised of it.</summary>
    internal EncodedPayload On(EncodedPayload payload) =>
        payload with { PrivacyMode = Mode, ExecutionHash = ExecutionHash, MandatoryRecipients = Mandatory, PrivacyGroupId = GroupId };

    /// <summary>The same for the same promises, whatever their order.</summary>
    internal string Digest()
    {
        if (IsPlain && GroupId is null)
            return "";
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        digest.AppendData([(byte)Mode]);
        foreach (var hash in Affected.Order())
            digest.AppendData(hash.Bytes);
        digest.AppendData(SHA256.HashData(ExecutionHash));
        digest.AppendData(SHA256.HashData(GroupId ?? []));
        foreach (var key in Mandatory.Select(k => k.ToBase64()).Order(StringComparer.Ordinal))
            digest.AppendData(System.Text.Encoding.ASCII.GetBytes(key + ","));
        return Convert.ToHexStringLower(digest.GetHashAndReset());
    }
}

/// <param name="ManagedParties">Our own keys among sender and recipients.</param>
public sealed record SendResult(PayloadHash Hash, PublicKey Sender, IReadOnlyList<PublicKey> ManagedParties);
