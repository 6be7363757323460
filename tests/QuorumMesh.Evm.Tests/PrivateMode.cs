using QuorumMesh.Chain.Payloads;

namespace QuorumMesh.Evm.Tests;

/// <summary>The ways in which a private transaction is run.</summary>
internal enum PrivateMode
{
    PublicOnly,
    NotAParty,
    Payload,
}

internal static class PrivateModes
{
    /// <summary>What execution is given.</summary>
    public static PayloadAnswer? Answer(this PrivateMode mode, byte[]? payload) => mode switch
    {
        PrivateMode.Payload => PayloadAnswer.Here(default, payload!),
        PrivateMode.NotAParty => PayloadAnswer.NotAParty(default),
        _ => null,
    };
}
