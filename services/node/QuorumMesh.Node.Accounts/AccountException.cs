namespace QuorumMesh.Node.Accounts;

/// <summary>A request about accounts that cannot be granted. The message is shown to the RPC user, worded as geth words it.</summary>
public abstract class AccountException(string message, Exception? inner = null) : Exception(message, inner);

public sealed class UnknownAccountException() : AccountException("unknown account");

public sealed class AccountLockedException() : AccountException("authentication needed: password or unlock");

public sealed class WrongPasswordException() : AccountException("could not decrypt key with given passphrase");

public sealed class AccountExistsException() : AccountException("account already exists");

/// <summary>A key that no account can have.</summary>
public sealed class InvalidPrivateKeyException(string message) : AccountException(message);

/// <summary>A key file that is neither keystore version 3 nor 1, or asks for what is not offered.</summary>
public sealed class KeystoreFormatException(string message, Exception? inner = null) : AccountException(message, inner);
