using System.CommandLine;

namespace QuorumMesh.Node.FlagGroups;

/// <summary>The node's own accounts.</summary>
internal sealed class AccountFlags(FlagList flags)
{
    public Option<string> Keystore { get; } =
        flags.Text("--keystore", "directory of the account key files (default: keystore in the data directory)");

    public Option<string> Unlock { get; } =
        flags.Text("--unlock", "accounts to unlock at start, by address or by position in the keystore (from 0), separated by commas");

    public Option<string> Password { get; } =
        flags.Text("--password", "file with one password a line for --unlock; the last one serves all further accounts");

    public Option<bool> AllowInsecureUnlock { get; } =
        flags.Flag("--allow-insecure-unlock", "allow unlocked accounts behind an HTTP listener that is not on loopback");
}
