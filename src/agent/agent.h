/*
 * agent: the recording half, as the command sees it: what a session tells libsonde (session.h), how
 * recordings become profiles (export.h), and how processes are asked to change what they record
 * (poke.h); and as a server in the same process sees it (inside.h). Front header of the layer. What
 * records is libsonde, and is never linked into the command.
 */
#ifndef SONDE_AGENT_H
#define SONDE_AGENT_H

#include "agent/export.h"
#include "agent/inside.h"
#include "agent/poke.h"
#include "agent/session.h"

#endif
