namespace QuorumMesh.EndToEnd;

/// <summary>
/// Its one word is keccak256(word, argument) after each call: it depends on every call that there ever was and on their order, so
/// that two states that parted once never look alike again.
/// </summary>
internal static class HistoryContract
{
    /// <summary>Where the word lies.</summary>
    public const string Slot = "0x0";

    /// <summary>
    /// Creation: PUSH1 21, DUP1, PUSH1 11, PUSH1 0, CODECOPY, PUSH1 0, RETURN. Code: PUSH1 0, SLOAD, PUSH1 0, MSTORE; PUSH1 4,
    /// CALLDATALOAD, PUSH1 32, MSTORE; PUSH1 64, PUSH1 0, KECCAK256, PUSH1 0, SSTORE, STOP. Whatever the selector is, the
    /// argument is taken.
    /// </summary>
    public const string Create = "0x" + "601580600b6000396000f3" + "600054600052" + "600435602052" + "6040600020" + "60005500";
}
