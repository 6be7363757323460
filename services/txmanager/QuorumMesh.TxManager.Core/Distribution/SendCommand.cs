using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>
/// What every way to send asks of privacy. Only standard private is offered: anything else is refused as Tessera does with the feature off.
/// </summary>
public sealed record PrivacyOptions(PrivacyMode Mode = PrivacyMode.StandardPrivate, bool HasAffected = false, string? PrivacyGroupId = null)
{
    /// <summary>Standard private, no group.</summary>
    public static PrivacyOptions Standard { get; } = new();

    /// <summary>Throws <see cref="Failure.Forbidden"/>, or <see cref="Failure.NotFound"/> for a group, where more is
    /// asked.</summary>
    public void RequireStandard()
    {
        if (Mode != PrivacyMode.StandardPrivate || HasAffected)
            throw PrivacyException.EnhancedPrivacy();
        if (!string.IsNullOrEmpty(PrivacyGroupId))
            throw new PrivacyException(Failure.NotFound, $"Privacy group Id[{PrivacyGroupId}] not found");
    }
}

/// <param name="ManagedParties">Our own keys among sender and recipients.</param>
public sealed record SendResult(Primitives.PayloadHash Hash, PublicKey Sender, IReadOnlyList<PublicKey> ManagedParties);
