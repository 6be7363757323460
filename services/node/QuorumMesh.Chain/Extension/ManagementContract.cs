using System.Text;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Extension;

/// <summary>
/// What is put to a management contract, of this project or of GoQuorum: both have the same functions
/// (21:extension/extensionContracts). The source of ours is StateExtension.sol.
/// </summary>
public static partial class ManagementContract
{
    /// <summary>Gas of each of its transactions where the caller names none (21:extension/backend.go).</summary>
    public const ulong DefaultGas = 4_712_384;

    /// <summary>Of the code that makes GoQuorum's, 7355 bytes; as recorded with 24.4.1.</summary>
    private static readonly Hash256 GoQuorumInitCode =
        Hash256.Parse("0x251770c473e9059a2d75c639adc8829366740d6f3148d9c42934ddf43401902c");

    /// <summary>Gives the account that began the extension.</summary>
    public static byte[] Creator { get; } = Selector("creator()");

    /// <summary>Gives the contract that is extended.</summary>
    public static byte[] ContractToExtend { get; } = Selector("contractToExtend()");

    /// <summary>Whether it has come to its end, by a share, a no or a cancellation.</summary>
    public static byte[] IsFinished { get; } = Selector("checkIfExtensionFinished()");

    /// <summary>Whether the caller has voted.</summary>
    public static byte[] HasVoted { get; } = Selector("checkIfVoted()");

    /// <summary>How many may vote.</summary>
    public static byte[] VoterCount { get; } = Selector("totalNumberOfVoters()");

    /// <summary>Ends it; its creator alone may.</summary>
    public static byte[] Finish { get; } = Selector("finish()");

    /// <summary>The code that makes one.</summary>
    /// <param name="recipientKey">Of the new party's manager, base64.</param>
    public static byte[] Create(in Address contract, in Address recipient, string recipientKey) =>
        AbiData.Encode(InitCode, contract, recipient, recipientKey);

    /// <summary>
    /// Whether a payload makes a management contract whose code is known, ours or that of GoQuorum 24.4.1, for just this extension: what
    /// any other code answers is its author's word.
    /// </summary>
    public static bool IsCreation(ReadOnlySpan<byte> payload, in Address contract, in Address recipient, string recipientKey)
    {
        var arguments = AbiData.Encode([], contract, recipient, recipientKey);
        if (!payload.EndsWith(arguments)) return false;
        var code = payload[..^arguments.Length];
        return code.SequenceEqual(InitCode) || Keccak.Hash(code) == GoQuorumInitCode;
    }

    /// <summary>Gives one of those who may vote, counted from 0.</summary>
    public static byte[] Voter(ulong index) => AbiData.Encode(Selector("walletAddressesToVote(uint256)"), index);

    /// <param name="uuid">What only the voter's manager can open, by its hash; empty with a no.</param>
    public static byte[] Vote(bool isYes, string uuid) => AbiData.Encode(Selector("doVote(bool,string)"), isYes, uuid);

    /// <param name="identifier">Of the payload with the state, base64.</param>
    public static byte[] ShareState(string identifier) => AbiData.Encode(Selector("setSharedStateHash(string)"), identifier);

    private static byte[] Selector(string signature) => Keccak.Hash(Encoding.ASCII.GetBytes(signature)).ToArray()[..4];
}
