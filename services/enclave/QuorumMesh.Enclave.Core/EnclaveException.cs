namespace QuorumMesh.Enclave.Core;

/// <summary>A request that the enclave refuses. Messages never carry secret bytes.</summary>
public abstract class EnclaveException(string message) : Exception(message);

/// <summary>No private key for this public key is here, or it may not be used this way.</summary>
public sealed class UnknownKeyException(string message) : EnclaveException(message);

/// <summary>The bytes of the request cannot be right: a wrong length, a cipher that does not open, a key of low order.</summary>
public sealed class InvalidCipherException(string message) : EnclaveException(message);
