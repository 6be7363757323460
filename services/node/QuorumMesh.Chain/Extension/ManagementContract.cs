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

    /// <summary>Gives one of those who may vote, counted from 0.</summary>
    public static byte[] Voter(ulong index) => AbiData.Encode(Selector("walletAddressesToVote(uint256)"), index);

    /// <param name="uuid">What only the voter's manager can open, by its hash; empty with a no.</param>
    public static byte[] Vote(bool isYes, string uuid) => AbiData.Encode(Selector("doVote(bool,string)"), isYes, uuid);

    /// <param name="identifier">Of the payload with the state, base64.</param>
    public static byte[] ShareState(string identifier) => AbiData.Encode(Selector("setSharedStateHash(string)"), identifier);

    private static byte[] Selector(string signature) => Keccak.Hash(Encoding.ASCII.GetBytes(signature)).ToArray()[..4];
}
