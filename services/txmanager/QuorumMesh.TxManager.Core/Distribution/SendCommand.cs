using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>
/// What every way to send asks of privacy. Only standard private is offered: anything else is refused as Tessera does with the feature off.
/// </summary>
/// <param name="GroupId">The id of the privacy group whose members are the recipients; null for none.</param>
public sealed record PrivacyOptions(PrivacyMode Mode = PrivacyMode.StandardPrivate, bool HasAffected = false, byte[]? GroupId = null)
{
    /// <summary>Standard private, no group.</summary>
    public static PrivacyOptions Standard { get; } = new();

    /// <summary>Throws <see cref="Failure.Forbidden"/> where more is asked.</summary>
    public void RequireStandard()
    {
        if (Mode != PrivacyMode.StandardPrivate || HasAffected)
            throw PrivacyException.EnhancedPrivacy();
    }
}

/// <param name="ManagedParties">Our own keys among sender and recipients.</param>
public sealed record SendResult(Primitives.PayloadHash Hash, PublicKey Sender, IReadOnlyList<PublicKey> ManagedParties);
