using System.Globalization;
using QuorumMesh.Node.Accounts;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>--unlock and --password by geth's rules (cmd/geth/accountcmd.go unlockAccount, cmd/utils/flags.go MakePasswordList).</summary>
internal static class AccountUnlock
{
    private const int MaxPasswordFile = 1024 * 1024;

    /// <param name="accounts">Addresses, or positions in the keystore's list, from 0.</param>
    /// <param name="passwordFile">Null when there is none.</param>
    /// <exception cref="OptionsException">Names the flag, the account and why.</exception>
    public static void Run(KeystoreManager keystore, IReadOnlyList<string> accounts, string? passwordFile)
    {
        if (accounts.Count == 0) return;
        if (passwordFile is null)
            throw new OptionsException("--password",
            "is needed with --unlock: a file with one password a line; the last one serves all further accounts");
        var passwords = Passwords(passwordFile);
        for (var i = 0; i < accounts.Count; i++)
        {
            var account = Find(keystore, accounts[i]);
            try
            {
                Unlock(keystore, account, passwords, i);
            }
            catch (Accounts.AccountException e)
            {
                throw new OptionsException("--unlock", $"{account}: {e.Message}", e);
            }
        }
    }

    /// <summary>
    /// The lines as geth splits them: an empty file is one empty password, and a line feed at the end begins one more, empty,
    /// line.
    /// </summary>
    internal static string[] Passwords(string file)
    {
        if (new FileInfo(file).Length > MaxPasswordFile)
            throw new OptionsException("--password", $"{file} is larger than {MaxPasswordFile >> 20} MiB: that is no file of passwords");
        return [.. File.ReadAllText(file).Split('\n').Select(line => line.TrimEnd('\r'))];
    }

    /// <summary>
    /// The account's own line, else the last one. For geth that is the empty one behind a closing line feed, so that one password
    /// written with an editor opens the first account only; here the line before it is tried then.
    /// </summary>
    private static void Unlock(KeystoreManager keystore, in Address account, string[] passwords, int index)
    {
        var own = Math.Min(index, passwords.Length - 1);
        try
        {
            keystore.Unlock(account, passwords[own]);
        }
        catch (WrongPasswordException) when (own > 0 && own == passwords.Length - 1 && passwords[own].Length == 0)
        {
            keystore.Unlock(account, passwords[own - 1]);
        }
    }

    private static Address Find(KeystoreManager keystore, string account)
    {
        var isHex = account.Length >= 2 * Address.Size;
        if (isHex && Address.TryParse(account, out var address)) return address;
        if (!int.TryParse(account, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index) || isHex)
            throw new OptionsException("--unlock", $"'{account}' is neither an address nor an account's position in the keystore (from 0)");
        var known = keystore.Accounts;
        return index >= 0 && index < known.Count ? known[index]
            : throw new OptionsException("--unlock", $"there is no account {index} in the keystore, which holds {known.Count}");
    }
}
